"""One parsed manifest and one server for all tests of the dbt project."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.dental import AS_OF, PROJECT, Dbt, at, empty, load
from tests.support.postgres import PASSWORD, Server, server

sys.path.insert(0, str(PROJECT))  # the generator's package, as its entry point finds it


@pytest.fixture(scope="session")
def _environment() -> Iterator[None]:
    """Connection facts that a parse needs; nothing listens there. The server's fixture replaces the port."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("DBT_", "WAREHOUSE_"))]:
            patch.delenv(name)
        settings = {"HOST": "127.0.0.1", "PORT": "1", "DATABASE": "warehouse", "USER": "dbt", "THREADS": "4"}
        for name, value in (settings | {"PASSWORD": PASSWORD, "SSLMODE": "disable"}).items():
            patch.setenv(f"WAREHOUSE_{name}", value)
        patch.setenv("DBT_ENGINE_SEND_ANONYMOUS_USAGE_STATS", "false")
        yield


@pytest.fixture(scope="session")
def dbt(_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """dbt with the project's manifest. Any warning or deprecation while parsing is an error."""
    folder = tmp_path_factory.mktemp("dbt")
    parsed = Dbt(folder).invoke("parse", "--warn-error", "--no-partial-parse", "--target", "prod")
    assert parsed.success, parsed.exception
    return Dbt(folder, parsed.result)


@pytest.fixture(scope="session")
def manifest(dbt: Dbt) -> Any:
    return dbt.manifest


@pytest.fixture(scope="session")
def postgres(_environment: None) -> Iterator[Server]:
    with server() as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_PORT", str(running.port))
        yield running


@pytest.fixture
def fresh(postgres: Server) -> Server:
    """An empty database under the name the manifest knows."""
    empty(postgres)
    return postgres


@pytest.fixture(scope="session")
def built(postgres: Server, dbt: Dbt) -> Any:
    """The whole project built once, tests and all; what follows works on copies of it."""
    empty(postgres)
    load(postgres, "--patients", "300", "--as-of", AS_OF.isoformat())
    outcome = dbt.invoke("build", *at(AS_OF))
    assert outcome.exception is None, outcome.exception
    postgres.query("alter database warehouse rename to built", superuser=True)
    return outcome.result


@pytest.fixture
def copy(built: Any, postgres: Server) -> Server:
    empty(postgres, template="built")
    return postgres


@pytest.fixture(scope="session")
def project() -> Path:
    return PROJECT
