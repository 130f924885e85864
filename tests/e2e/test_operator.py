"""DbtPodOperator on a worker (deferrable=False): this process is the worker, the cluster is the real one."""

import os
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from tests.support.e2e import kube, store, warehouse
from tests.support.e2e.nightly import LOCKED_TABLE, PREFIX
from tests.support.e2e.shell import wait_until
from tests.support.stopping import told_to_stop

from podbt.airflow import DbtPodOperator
from podbt.contract.record import Summary, to_json
from podbt.contract.settings.kubernetes import Settings

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("settings_file", "kubeconfig")]

MODEL = "stg_opendental__employers"  # a view of the table that the tests lock
TARGET = "demo"  # schemas of its own, which go when the tests end


@pytest.fixture
def kubeconfig(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clients read $KUBECONFIG when they are imported, which is before the tests know it."""
    for client in ("kubernetes", "kubernetes_asyncio"):
        monkeypatch.setattr(f"{client}.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", os.environ["KUBECONFIG"])


def context(task_id: str) -> dict[str, Any]:
    ti = SimpleNamespace(dag_id="e2e", run_id=f"{PREFIX}operator", task_id=task_id, map_index=-1, try_number=1)
    return {"ti": ti}


def operator(task_id: str, **more: Any) -> DbtPodOperator:
    # Cautious: nothing else is in that target, so tests that compare the model with others cannot run.
    flags = ["--indirect-selection", "cautious"]
    return DbtPodOperator(task_id=task_id, select=MODEL, target=TARGET, flags=flags, deferrable=False, **more)


def pods(settings: Settings, task_id: str) -> list[dict[str, Any]]:
    return kube.dbt_pods(settings, run_id=f"{PREFIX}operator", task_id=task_id)


def test_a_good_step_returns_its_summary(settings: Settings) -> None:
    returned = operator("good").execute(context("good"))
    record = store.run_of(returned["artifacts"]).record
    assert returned == to_json(Summary.of(record, returned["artifacts"]))
    assert (record.status, record.target) == ("success", TARGET)
    assert f"model.dbt_dental_models.{MODEL}" in {node.unique_id for node in store.run_of(returned["artifacts"]).nodes}
    wait_until("the pod is gone", lambda: not pods(settings, "good"))


def test_a_stopped_worker_never_returns(settings: Settings) -> None:
    tested = operator("stopped")
    with warehouse.locked(LOCKED_TABLE), told_to_stop(tested, warehouse.dbt_waits):
        with pytest.raises(AirflowException) as raised:
            tested.execute(context("stopped"))
        assert not isinstance(raised.value, AirflowFailException)  # a retry may help
        wait_until("the pod is gone", lambda: not pods(settings, "stopped"))
        assert warehouse.dbt_queries() == []


def test_a_container_that_runs_out_of_memory_says_so(settings: Settings) -> None:
    little = {"requests": {"cpu": "50m", "memory": "32Mi"}, "limits": {"memory": "32Mi"}}
    with pytest.raises(AirflowException, match=r"ran out of memory.*resources\.limits\.memory") as raised:
        operator("hungry", settings={"resources": little}).execute(context("hungry"))
    assert not isinstance(raised.value, AirflowFailException)
    wait_until("the pod is gone", lambda: not pods(settings, "hungry"))


def test_a_failing_step_raises_with_the_models_name() -> None:
    with warehouse.renamed(LOCKED_TABLE, "employer_e2e"), pytest.raises(AirflowException) as raised:
        operator("failing").execute(context("failing"))
    assert f"model.dbt_dental_models.{MODEL}" in str(raised.value)
    assert f'relation "{LOCKED_TABLE}" does not exist' in str(raised.value)
