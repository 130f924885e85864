"""A model fails: what the page, the log and the record say, and that mending and clearing is all it takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.support.e2e import store, warehouse
from tests.support.e2e.nightly import BUILD, Night

from podbt.contract import layout
from podbt.contract.exits import ExitReason
from podbt.contract.runs import Run
from podbt.contract.settings.kubernetes import Settings

pytestmark = pytest.mark.e2e

TABLE = "raw.definition"  # has no freshness, so that the step before the build does not miss it
MODEL = "model.dbt_dental_models.stg_opendental__definitions"
DBT_SAYS = 'relation "raw.definition" does not exist'


@dataclass(frozen=True)
class FailedTry:
    """What was seen after the build's try, before anything was mended."""

    task: dict[str, Any]
    log: str
    folder: str
    run: Run
    pointer_before: dict[str, Any]
    pointer_after: dict[str, Any]


@pytest.fixture(scope="module")
def failed(night: Night, settings: Settings, good_run: dict[str, Any]) -> Iterator[FailedTry]:
    before = store.pointer(settings.target, layout.LATEST_SUCCESS)
    try:
        with warehouse.renamed(TABLE, "definition_e2e"):
            number = night.begin_build()
            task = night.wait({"up_for_retry", "success", "failed"}, try_number=number)
        yield FailedTry(
            task=task,
            log=night.log(number),
            folder=night.folder(number),
            run=store.run_of(night.folder(number)),
            pointer_before=before,
            pointer_after=store.pointer(settings.target, layout.LATEST_SUCCESS),
        )
    finally:
        night.end()


def test_the_task_waits_for_its_retry(failed: FailedTry) -> None:
    assert failed.task["state"] == "up_for_retry"
    assert failed.task["max_tries"] == failed.task["try_number"] + 1  # two tries are left


def test_the_log_names_the_model_and_dbts_message(failed: FailedTry) -> None:
    assert [line for line in failed.log.splitlines() if MODEL in line and DBT_SAYS in line], failed.log


def test_the_record_is_published_whole_and_says_failed(failed: FailedTry) -> None:
    assert not [name for name in store.beside(failed.folder) if name.endswith(layout.PARTIAL_SUFFIX)]
    record = failed.run.record
    assert (record.status, record.exit_reason) == ("failed", ExitReason.NODE_FAILURE)
    failure = next(one for one in record.failures if one.unique_id == MODEL)
    assert DBT_SAYS in failure.message
    assert record.counts["skipped"] > 0
    assert record.counts["total"] == len(failed.run.nodes)


def test_the_good_runs_pointer_stays(failed: FailedTry) -> None:
    assert failed.pointer_after == failed.pointer_before


def test_mended_and_cleared_it_succeeds(failed: FailedTry, night: Night, airflow: Any, settings: Settings) -> None:
    number = night.begin_build()
    task = night.wait({"up_for_retry", "success", "failed"}, try_number=number)
    assert task["state"] == "success", night.log(number)
    assert airflow.return_value(night.run_id, BUILD)["status"] == "success"
    assert store.run_of(night.folder(number)).record.status == "success"
    assert store.pointer(settings.target, layout.LATEST_SUCCESS)["run"] == night.folder(number)
