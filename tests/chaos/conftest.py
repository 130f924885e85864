"""The cluster that `make up` left, a full build to compare with, and the table that is printed at the end."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.chaos import tables
from tests.support.chaos.report import Report
from tests.support.chaos.scenario import Chaos
from tests.support.e2e.fixtures import airflow, as_it_was, cluster, good_run, night, settings
from tests.support.e2e.nightly import Night

__all__ = ["airflow", "as_it_was", "cluster", "good_run", "night", "settings"]

SCHEMAS = "analytics"  # of target prod


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    capture: Any = request.config.pluginmanager.getplugin("capturemanager")

    def say(text: str) -> None:
        with capture.global_and_fixture_disabled():
            print(text, flush=True)

    kept = Report(say)
    yield kept
    say(f"\n{kept.markdown()}")


@pytest.fixture(scope="session")
def chaos(night: Night, report: Report, good_run: dict[str, Any]) -> Chaos:
    """Scenarios against the tables of an undisturbed build."""
    return Chaos(night, report, expected=tables.contents(SCHEMAS), prefix=SCHEMAS)
