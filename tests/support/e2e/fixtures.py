"""Fixtures of all that needs the cluster which `make up` left: the way to it, and leaving it as it was."""

import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.support.e2e import kube, store, warehouse
from tests.support.e2e.needles import LOGS
from tests.support.e2e.nightly import BUILD, PREFIX, Night
from tests.support.e2e.rest import DAG, Airflow, run_path
from tests.support.e2e.shell import DRIVER, attempt
from tests.support.settings import read_settings

from podbt.contract.settings.kubernetes import Settings


@pytest.fixture(scope="session", autouse=True)
def cluster() -> Iterator[None]:
    """The environment to reach the cluster by, in this process and all that it starts."""
    found = attempt(*DRIVER, "env")
    if found.returncode != 0:
        pytest.fail(f"these tests need the local cluster, bring it up by `make up`: {found.stderr}", pytrace=False)
    with pytest.MonkeyPatch.context() as patch:
        for line in found.stdout.splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            if name == "PATH":
                patch.setenv("PATH", shlex.split(value)[0].removesuffix(":$PATH"), prepend=":")
            else:
                patch.setenv(name, shlex.split(value)[0])
        kube.wait_all_rolled_out()
        yield


@pytest.fixture(scope="session")
def settings(cluster: None) -> Settings:
    """What dbt pods run with, as the chart rendered it."""
    return read_settings(kube.settings_text())


@pytest.fixture(scope="session")
def airflow(cluster: None) -> Iterator[Airflow]:
    login = kube.secret("podbt-admin")
    client = Airflow(login["username"], login["password"])
    yield client
    client.close()


@pytest.fixture(scope="session", autouse=True)
def as_it_was(airflow: Airflow, settings: Settings) -> Iterator[None]:
    """Takes away, at the end, what these tests add: runs, their logs and records, pods, schemas; and pauses again."""
    paused = bool(airflow.get(f"/dags/{DAG}")["is_paused"])
    schemas, pods, before = warehouse.schemas(), kube.managed_pods(), store.Snapshot.take()
    # The last is done first, and each is done whatever becomes of the others.
    with ExitStack() as stack:
        stack.callback(kube.exec_api_server, "sh", "-c", f"rm -rf {LOGS}/dag_id={DAG}/run_id={PREFIX}*")
        stack.callback(lambda: before.restore(settings, keep={run["dag_run_id"] for run in airflow.runs()}))
        stack.callback(lambda: warehouse.drop(warehouse.schemas() - schemas))
        stack.callback(lambda: kube.delete_pods(kube.managed_pods() - pods))
        stack.callback(airflow.patch, f"/dags/{DAG}", {"is_paused": paused})
        stack.callback(_delete_runs, airflow)
        stack.callback(kube.wait_all_rolled_out)
        airflow.patch(f"/dags/{DAG}", {"is_paused": False})
        yield


def _delete_runs(airflow: Airflow) -> None:
    for run in airflow.runs():
        if run["dag_run_id"].startswith(PREFIX):
            airflow.delete(run_path(run["dag_run_id"]))


@pytest.fixture(scope="session")
def night(airflow: Airflow, settings: Settings) -> Iterator[Night]:
    """A run of these tests' own; see `Night`."""
    mine = Night(airflow, settings)
    yield mine
    if mine.started:
        mine.end()


@pytest.fixture(scope="session")
def good_run(airflow: Airflow, settings: Settings) -> dict[str, Any]:
    """The newest run of the DAG that ended well with the images that are installed; one is made if there is none."""
    for run in airflow.runs(state="success"):
        said = airflow.return_value(run["dag_run_id"], BUILD) or {}
        if said.get("artifacts") and store.run_of(said["artifacts"]).record.image == settings.image:
            return run
    made = Night(airflow, settings)
    made.start()
    made.wait({"success", "failed", "up_for_retry", "upstream_failed"})
    run = dict(airflow.get(run_path(made.run_id)))
    assert run["state"] in {"running", "success"}, made.log(1)
    return run
