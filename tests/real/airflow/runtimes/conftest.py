"""The local runtime with real dbt and a real PostgreSQL, from a worker's point of view."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.forks import Forks, python_of
from tests.support.postgres import PASSWORD, Server, server
from tests.support.runner import SMALL, bake


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture(scope="session")
def baked(postgres: Server, forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `podbt plan` writes, with the very connection of the runs, so that dbt accepts the partial parse."""
    return bake(SMALL, postgres, tmp_path_factory.mktemp("baked"), forks)


@pytest.fixture(scope="session")
def warm_python(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(python_of(forks, tmp_path_factory.mktemp("python")))


@pytest.fixture
def settings(
    postgres: Server, baked: Path, warm_python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """The settings file's content, and the file where podbt looks for it."""
    project = tmp_path / "project"
    shutil.copytree(SMALL, project)
    for name in ("artifacts", "scratch"):
        (tmp_path / name).mkdir()
    secrets = tmp_path / "dbt.env"
    secrets.touch(mode=0o600)
    secrets.write_text(f"WAREHOUSE_PASSWORD={PASSWORD}\n")
    monkeypatch.setenv("WAREHOUSE_PORT", str(postgres.port))
    values = {
        "runtime": "local",
        "target": "dev",
        "python": warm_python,
        "project": str(project),
        "profiles": {"folder": str(project)},
        "artifacts": {"folder": str(tmp_path / "artifacts")},
        "scratch": {"folder": str(tmp_path / "scratch")},
        "baked": str(baked),
        "env_file": str(secrets),
        "env_names": ["WAREHOUSE_PORT"],
        "termination_grace_seconds": 60,
    }
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump(values))
    monkeypatch.setenv("PODBT_SETTINGS", str(file))
    return values


@pytest.fixture
def real_python(settings: dict[str, Any]) -> None:
    """dbt's process is one of its own, for tests that look at it or signal it."""
    settings["python"] = sys.executable
    Path(os.environ["PODBT_SETTINGS"]).write_text(yaml.safe_dump(settings))
