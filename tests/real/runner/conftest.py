"""The runner as a process, with real dbt and a real PostgreSQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.forks import Forks
from tests.support.postgres import Server, server
from tests.support.runner import SMALL, Runner, bake
from tests.support.shop import SHOP
from tests.support.stranger import Stranger


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture(scope="session")
def baked(postgres: Server, forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an image build leaves."""
    return bake(SMALL, postgres, tmp_path_factory.mktemp("baked"), forks)


@pytest.fixture(scope="session")
def baked_shop(postgres: Server, forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bake(SHOP, postgres, tmp_path_factory.mktemp("baked-shop"), forks)


@pytest.fixture
def runner(postgres: Server, forks: Forks, baked: Path, tmp_path: Path) -> Runner:
    shutil.copytree(SMALL, tmp_path / "project")
    made = Runner(tmp_path, postgres.port, forks, {"PODBT_BAKED": str(baked)})
    made.artifacts.mkdir()
    return made


@pytest.fixture
def stranger(postgres: Server, forks: Forks, tmp_path: Path) -> Stranger:
    return Stranger(tmp_path, postgres, forks)
