"""Every shipped DAG runs once on the cluster: the run succeeds, and each of its steps has a record in the store.

Those that write no table in common run at the same time. One pair meets on purpose: it shows the waiting.
"""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from tests.support.e2e import kube, store
from tests.support.e2e.due import unpause
from tests.support.e2e.needles import LOGS
from tests.support.e2e.nightly import PREFIX
from tests.support.e2e.rest import Airflow
from tests.support.e2e.shell import wait_until

from podbt.contract import layout
from podbt.contract.settings.kubernetes import Settings

pytestmark = pytest.mark.e2e

WAVES = [
    # Systems write no table in common; all others here have a target of their own.
    ["dental_system_a_fee_processing", "dental_system_b_insurance", "dental_system_c_appointments", "dental_modified"],
    ["dental_month_end", "dental_smoke", "dental_incremental"],
    ["dental_domains", "dental_cosmos"],
    ["dental_reference_data", "dental_daily_refresh"],
    # Both build the marts: one waits for the other.
    ["dental_production_critical", "dental_daily_critical"],
    ["dental_layers", "dental_adhoc"],
]
ELSEWHERE = {"dental_nightly", "dental_models"}
"""Have tests of their own."""
SKIPS = {"dental_modified"}
"""Has nothing to do where the image is the one that built production last: its step ends as skipped."""
CONF = {"dental_adhoc": {"command": "run", "select": "fct_communications", "target": "prod", "full_refresh": True}}
DATED = {"dental_month_end"}
"""Takes its day from the data interval, which only a run with a date has."""
WAVE_SECONDS = 1800


def path(dag_id: str, run_id: str) -> str:
    return f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"


@contextmanager
def unpaused(airflow: Airflow, dag_id: str) -> Iterator[str]:
    """A run of the DAG, which is paused again afterwards, and the run deleted.

    Where the DAG has a schedule, unpausing it makes Airflow start the last run that was due: that is the run then.
    """
    page = f"/dags/{dag_id}"
    paused = airflow.get(page)["is_paused"]
    try:
        run_id = unpause(airflow, dag_id) or start(airflow, dag_id)
        try:
            yield run_id
        finally:
            airflow.delete(path(dag_id, run_id))
            kube.exec_api_server("sh", "-c", f"rm -rf '{LOGS}/dag_id={dag_id}/run_id={run_id}'")
    finally:
        airflow.patch(page, {"is_paused": paused})


def start(airflow: Airflow, dag_id: str) -> str:
    run_id = f"{PREFIX}{secrets.token_hex(4)}"
    date = datetime.now(UTC).isoformat() if dag_id in DATED else None
    airflow.post(f"/dags/{dag_id}/dagRuns", {"dag_run_id": run_id, "logical_date": date, "conf": CONF.get(dag_id, {})})
    return run_id


def tasks(airflow: Airflow, dag_id: str, run_id: str) -> list[dict[str, Any]]:
    return list(airflow.get(f"{path(dag_id, run_id)}/taskInstances", limit=200)["task_instances"])


def approve(airflow: Airflow, run_id: str) -> None:
    """What a person does under Required Actions."""
    waiting = f"{path('dental_adhoc', run_id)}/taskInstances/approval"

    def asked() -> bool:
        return bool(airflow.get(waiting)["state"] == "awaiting_input")

    def judged() -> bool:
        lines = kube.kubectl("logs", "deploy/podbt-scheduler", "--since=10m").splitlines()
        return any("Received executor event with state success" in line and run_id in line for line in lines)

    wait_until("an approval is asked for", asked, seconds=300)
    # An answer before the scheduler has taken note that the asking worker ended is too quick for Airflow, which then
    # fails the task (apache/airflow#72716). No person is: it takes a loop of the scheduler, about a second.
    wait_until("the scheduler has seen the asking worker end", judged, seconds=60)
    assert airflow.get(f"{path('dental_adhoc', run_id)}/taskInstances/dbt")["state"] is None
    airflow.patch(f"{waiting}/-1/hitlDetails", {"chosen_options": ["Approve"], "params_input": {}})


def test_every_dag_that_is_there_is_run_here(airflow: Airflow) -> None:
    there = {dag["dag_id"] for dag in airflow.get("/dags", limit=100)["dags"]}
    assert there == {name for wave in WAVES for name in wave} | ELSEWHERE


@pytest.mark.usefixtures("good_run")  # production is built
@pytest.mark.parametrize("wave", WAVES, ids=" and ".join)
def test_a_wave_of_dags_succeeds_and_leaves_records(airflow: Airflow, settings: Settings, wave: list[str]) -> None:
    with ExitStack() as stack:
        check(airflow, settings, {dag_id: stack.enter_context(unpaused(airflow, dag_id)) for dag_id in wave})


def check(airflow: Airflow, settings: Settings, runs: dict[str, str]) -> None:
    if "dental_adhoc" in runs:
        approve(airflow, runs["dental_adhoc"])

    def ended() -> dict[str, str] | None:
        states = {dag_id: airflow.get(path(dag_id, run_id))["state"] for dag_id, run_id in runs.items()}
        return states if set(states.values()) <= {"success", "failed"} else None

    states = wait_until(f"{', '.join(runs)} have ended", ended, seconds=WAVE_SECONDS, every=3)
    for dag_id, run_id in runs.items():
        told = {task["task_id"]: task["state"] for task in tasks(airflow, dag_id, run_id)}
        assert states[dag_id] == "success", told
        folders = [
            name for name in store.files(f"runs/{dag_id}/{layout.folder_name(run_id)}") if name.endswith("/run.json")
        ]
        records = {
            (record := store.run_of(name.rpartition("/")[0]).record).identity.task_id: record for name in folders
        }
        for task_id, state in told.items():
            if task_id == "approval":
                continue
            assert state == ("skipped" if dag_id in SKIPS and state == "skipped" else "success"), told
            assert records[task_id].status == state
            assert records[task_id].image == settings.image


def test_a_form_that_asks_for_a_flag_is_refused(airflow: Airflow) -> None:
    body = {"logical_date": None, "conf": {"select": "fct_claims --full-refresh"}}
    with pytest.raises(AssertionError, match="400"):
        airflow.post("/dags/dental_adhoc/dagRuns", body)
