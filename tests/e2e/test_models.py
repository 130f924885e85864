"""dental_models: each model's state is its own, whatever dies, fails or is cleared meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from tests.support.e2e import kube, warehouse
from tests.support.e2e.due import unpause
from tests.support.e2e.models import DAG, ENDED, ModelRun
from tests.support.e2e.needles import LOGS
from tests.support.e2e.nightly import LOCKED_TABLE, PREFIX
from tests.support.e2e.rest import Airflow
from tests.support.e2e.shell import wait_until

from podbt.contract.settings.kubernetes import Settings

pytestmark = pytest.mark.e2e

BROKEN, TABLE, CHILD = "stg_opendental__recall_types", "raw.recalltype", "mart_recalls_due"
DBT_SAYS = 'relation "raw.recalltype" does not exist'
INDEPENDENT = "stg_opendental__users"
MARKED = "stg_opendental__tasks"
HELD = "stg_opendental__employers"  # reads the table that is locked
MANY = 50


@pytest.fixture(scope="module", autouse=True)
def unpaused(airflow: Airflow) -> Iterator[None]:
    paused = bool(airflow.get(f"/dags/{DAG}")["is_paused"])
    if due := unpause(airflow, DAG):  # these tests want a run of their own, and only one goes at a time
        airflow.patch(f"/dags/{DAG}/dagRuns/{quote(due, safe='')}", {"state": "failed"})
    yield
    if due:
        airflow.delete(f"/dags/{DAG}/dagRuns/{quote(due, safe='')}")
    airflow.patch(f"/dags/{DAG}", {"is_paused": paused})
    kube.exec_api_server("sh", "-c", f"rm -rf {LOGS}/dag_id={DAG}/run_id={PREFIX}*")


@dataclass(frozen=True)
class Held:
    """A run that was held by a locked table while its triggerer was killed and a model was marked by hand."""

    run: ModelRun
    while_held: dict[str, str | None]
    states: dict[str, str | None]
    pods: set[str]


@pytest.fixture(scope="module")
def held(airflow: Airflow, settings: Settings) -> Iterator[Held]:
    run = ModelRun(airflow, settings)
    try:
        with warehouse.locked(LOCKED_TABLE) as release:
            run.start()
            wait_until("dbt waits for the locked table", warehouse.dbt_waits, seconds=300)
            run.wait(INDEPENDENT, {"success"})
            uids = {pod["metadata"]["uid"] for pod in run.pods("pod")}
            kube.force_delete(*kube.pods_of("triggerer"))
            run.mark(HELD, "success")
            kube.wait_rolled_out("triggerer")
            while_held = run.states()
            release()
        states = run.wait_ended()
        pods = {pod["metadata"]["uid"] for pod in run.pods("pod")} - uids
        yield Held(run, while_held, states, pods)
    finally:
        run.end()


def test_models_succeed_while_the_pod_is_at_work(held: Held) -> None:
    assert held.while_held[INDEPENDENT] == "success"
    assert held.while_held["pod"] == "deferred"
    assert held.while_held["dim_insurance_plans"] == "deferred"


def test_a_killed_triggerer_costs_no_state(held: Held) -> None:
    assert set(held.states.values()) == {"success"}, held.states
    assert len(held.states) > MANY
    assert held.run.state == "success"


def test_a_model_that_somebody_marked_does_not_stop_the_pod(held: Held) -> None:
    assert held.pods == set()  # no other pod than the first
    assert held.states["pod"] == "success"


def test_each_built_model_is_an_asset_event(held: Held) -> None:
    events = held.run.events()
    names = [event["uri"] for event in events]
    assert "dbt://dbt_dental_models/prod/mart_recalls_due" in names
    assert len(names) == len(set(names)) > MANY
    extra = next(event["extra"] for event in events if event["uri"].endswith("/mart_recalls_due"))
    assert extra["artifacts"].startswith(f"runs/{DAG}/")
    assert extra["run"].endswith(f"/dags/{DAG}/runs/{held.run.run_id}")


@dataclass(frozen=True)
class Mended:
    """A run in which a model failed, and that was mended and cleared."""

    run: ModelRun
    failed: dict[str, Any]
    log: str
    after_failure: dict[str, str | None]
    states: dict[str, str | None]


@pytest.fixture(scope="module")
def mended(airflow: Airflow, settings: Settings) -> Iterator[Mended]:
    run = ModelRun(airflow, settings)
    try:
        with warehouse.renamed(TABLE, "recalltype_e2e"):
            run.start()
            failed = run.wait(BROKEN, {"up_for_retry", *ENDED})
            run.wait("pod", ENDED)
            log, states = run.log(BROKEN, int(failed["try_number"])), run.states()
        run.clear(BROKEN)
        run.wait(BROKEN, ENDED, after_try=int(failed["try_number"]))
        yield Mended(run, failed, log, states, run.wait_ended())
    finally:
        run.end()


@pytest.mark.long  # waits for a retry's delay
def test_a_failed_models_task_says_what_dbt_said(mended: Mended) -> None:
    assert mended.failed["state"] == "up_for_retry"
    assert DBT_SAYS in mended.log


@pytest.mark.long  # waits for a retry's delay
def test_the_rest_is_not_touched_by_it(mended: Mended) -> None:
    assert mended.after_failure["pod"] == "success"
    assert mended.after_failure[INDEPENDENT] == "success"
    assert mended.after_failure[CHILD] == "deferred"  # dbt skipped it: it waits for its parent


@pytest.mark.long  # waits for a retry's delay
def test_cleared_it_and_what_follows_run_alone_in_order(mended: Mended) -> None:
    assert set(mended.states.values()) == {"success"}, mended.states
    tasks = mended.run.tasks()
    assert tasks[BROKEN]["end_date"] < tasks[CHILD]["end_date"]
    assert "running alone" in mended.run.log(CHILD, int(tasks[CHILD]["try_number"]))
    assert tasks[INDEPENDENT]["try_number"] == 1
    assert tasks["pod"]["try_number"] == 1
