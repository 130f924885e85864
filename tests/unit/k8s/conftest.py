"""A session of the driver with programs of a test's own."""

import io
import os
import sys
from pathlib import Path

import pytest
from tests.support.programs import Programs

# The driver runs before any environment exists, so it is installed nowhere: `python3 k8s/local` finds itself this way.
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "k8s" / "local"))

from localcluster.console import Console
from localcluster.places import Places, State
from localcluster.session import Session
from localcluster.shell import Shell


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    folder = tmp_path / "bin"
    folder.mkdir()
    # What scripts themselves need; nothing else of this machine is on their PATH.
    for name in ("bash", "cat", "echo", "env", "grep", "sed", "sleep", "touch", "rm", "git"):
        for place in ("/bin", "/usr/bin"):
            if Path(place, name).exists() and not (folder / name).exists():
                (folder / name).symlink_to(Path(place, name))
    return Programs(folder=folder)


@pytest.fixture
def shell(programs: Programs, tmp_path: Path) -> Shell:
    return Shell(environ={"PATH": str(programs.folder), "HOME": str(tmp_path)}, log=tmp_path / "test.log")


@pytest.fixture
def session(programs: Programs, shell: Shell, tmp_path: Path) -> Session:
    here = Places.here({"HOME": os.environ.get("HOME", "/")})
    places = Places(root=here.root, cache=tmp_path / "cache")
    places.cache.mkdir()
    return Session(places=places, shell=shell, console=Console(out=io.StringIO()), state=State(places))
