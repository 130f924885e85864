"""Programs that tests put on PATH: small scripts, run for real."""

import io
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

# The driver runs before any environment exists, so it is installed nowhere: `python3 k8s/local` finds itself this way.
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "k8s" / "local"))

from localcluster.console import Console
from localcluster.places import Places, State
from localcluster.session import Session
from localcluster.shell import Shell


@dataclass(frozen=True, kw_only=True)
class Programs:
    """A folder of scripts; each call is noted in `calls`."""

    folder: Path

    def add(self, name: str, body: str) -> None:
        """Put a bash script on PATH that notes its arguments and then runs `body`."""
        path = self.folder / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >>"{self.folder}/.calls"\n{body}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    @property
    def calls(self) -> list[str]:
        noted = self.folder / ".calls"
        return noted.read_text().splitlines() if noted.exists() else []


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
