"""An Airflow home of the tests' own, set before anything imports Airflow; and which tests stay together."""

import contextlib
import gc
import os
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from tests.support.forks import Forks
from tests.support.forks import forks as running_forks
from tests.support.releases import needed
from tests.support.runner import SMALL
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_HOME = tempfile.TemporaryDirectory(prefix="podbt-airflow-")
os.environ |= {
    "AIRFLOW_HOME": _HOME.name,
    # A busy machine takes longer to import Airflow's providers than Airflow gives a DAG file.
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
    # Its provider takes this when it is imported, which may be by whatever test comes first.
    "AIRFLOW__OPENLINEAGE__NAMESPACE": "air",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME.name}/airflow.db",
}

with contextlib.suppress(ModuleNotFoundError):  # dbt is absent where other versions of Airflow are tested
    # dbt's own switch for tests: a process parses the text of a macro once, which is four fifths of a small parse.
    from dbt_common.tests import enable_test_caching

    enable_test_caching()

# A busy machine makes examples slowly, which says nothing of what is tested.
settings.register_profile("podbt", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("podbt")

# These share what takes a minute to make.
_TOGETHER = "tests/dbt_project"
# What takes longest begins first, or the end would be one process at work and the others at rest.
_FIRST = (f"{_TOGETHER}/", "tests/real/", "tests/unit/test_", "tests/chart/")


class _Files(LoadScopeScheduling):  # type: ignore[misc]  # it publishes no types
    """Keeps a file's tests in one process. (`--dist loadgroup` marks nothing under pytest 9.2.)"""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return _TOGETHER if file.startswith(f"{_TOGETHER}/") else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if why := needed(item.nodeid):
            item.add_marker(pytest.mark.skip(reason=why))
    items.sort(
        key=lambda item: next((n for n, place in enumerate(_FIRST) if item.nodeid.startswith(place)), len(_FIRST))
    )


def pytest_collection_finish() -> None:
    """Keeps Python from looking for garbage in what all test modules have imported, again and again: it stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000)  # as podbt's own command does


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return _Files(config, log)


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """podbt from a process that has imported dbt."""
    with running_forks(SMALL) as running:
        yield running


@pytest.fixture(autouse=True)
def dbts_environment() -> Iterator[None]:
    """Takes back what the runner tells dbt by the environment: it would hold for the next test in this process, too."""
    yield
    for name in [name for name in os.environ if name.startswith("DBT_")]:
        del os.environ[name]
