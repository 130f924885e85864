"""Production, built once, and a pull request a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.forks import Forks
from tests.support.postgres import Server, server
from tests.support.pull_request import PullRequest, build_production, checkout


@pytest.fixture(scope="package")
def postgres() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture(scope="package")
def production(postgres: Server, forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_production(tmp_path_factory.mktemp("production"), postgres, forks)


@pytest.fixture
def pull_request(postgres: Server, forks: Forks, production: Path, tmp_path: Path) -> PullRequest:
    return checkout(tmp_path, postgres, forks, production)
