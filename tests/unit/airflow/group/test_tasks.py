"""A group's tasks on a worker: Airflow 3.2 starts them there, and so does `dag.test()`."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowRescheduleException, TaskDeferred
from airflow.sdk.execution_time import supervisor, task_runner
from airflow.triggers.base import TriggerEvent
from tests.support.fake_airflow import FakeAirflow
from tests.support.fake_cluster import FakeCluster
from tests.support.models import PLAN, model, node, older, run, shared_pod

from podbt.airflow import DbtModelGroup, api
from podbt.airflow import operator as operator_module
from podbt.airflow.group import tasks
from podbt.airflow.group.model_trigger import ModelTrigger
from podbt.airflow.group.triggers import FinishTrigger, GroupPodTrigger


def deferred(
    monkeypatch: pytest.MonkeyPatch, name: str, states: Mapping[str, str] | None = None, *, try_number: int = 1
) -> Any:
    """The trigger that a task of a group defers with, on a worker of Airflow 3.2."""
    for module in (operator_module, tasks):
        monkeypatch.setattr(module, "STARTS_IN_TRIGGER", False)
    monkeypatch.setattr(api, "task_states", lambda *_: {f"g.{task}": state for task, state in (states or {}).items()})
    with DAG("d", schedule=None) as dag:
        DbtModelGroup("g", plan=PLAN, retries=2)
    ti = SimpleNamespace(
        dag_id="d", run_id="r", task_id=f"g.{name}", map_index=-1, try_number=try_number, max_tries=2
    )  # fmt: skip
    with pytest.raises(TaskDeferred) as told:
        dag.get_task(f"g.{name}").execute({"ti": ti})
    assert told.value.method_name == "resume"
    return told.value.trigger


def test_a_model_goes_to_its_trigger_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the others do: a task that came back each second would take a worker each second."""
    trigger = deferred(monkeypatch, "b", {"pod": "deferred", "a": "queued"})
    assert isinstance(trigger, ModelTrigger)
    assert (trigger.parents, trigger.fail_on_worker) == (["g.a"], True)


def test_the_last_try_needs_no_worker_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    assert deferred(monkeypatch, "b", try_number=3).fail_on_worker is False
    assert deferred(monkeypatch, "pod", try_number=3).fail_on_worker is False


def test_the_pod_and_the_end_know_the_members(monkeypatch: pytest.MonkeyPatch) -> None:
    pod, finish = deferred(monkeypatch, "pod"), deferred(monkeypatch, "finish")
    assert isinstance(pod, GroupPodTrigger)
    assert isinstance(finish, FinishTrigger)
    assert sorted(pod.members or {}) == finish.members == ["g.a", "g.b"]
    assert pod.fail_on_worker is True
    assert GroupPodTrigger(**pod.serialize()[1]).members == pod.members


@pytest.mark.parametrize("name", ["b", "finish"])
def test_dag_test_comes_back_after_those_before(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(api, "is_alone", lambda: True)
    with pytest.raises(AirflowRescheduleException):
        deferred(monkeypatch, name, {"pod": "deferred", "start": "success"})
    everything = dict.fromkeys(["start", "pod", "a", "b", "assets"], "success")
    assert deferred(monkeypatch, name, everything)


def test_a_failure_that_is_tried_again_ends_on_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow 3.2 gives a task no retry whose failure a trigger tells."""

    async def play(fake: FakeCluster, _: FakeAirflow) -> None:
        await shared_pod(fake, node("b", "error", message="boom"))

    tested = model(instance=older())
    tested.fail_on_worker = True
    (event,), _ = run(monkeypatch, play, tested)
    assert type(event) is TriggerEvent
    assert event.payload["retryable"] is True
    assert event.payload["summary"]["failures"][0]["message"] == "boom"
    with DAG("d", schedule=None) as dag:
        DbtModelGroup("g", plan=PLAN)
    with pytest.raises(AirflowException, match="The model failed"):
        dag.get_task("g.b").resume({}, event.payload)


def test_a_worker_is_not_taken_for_dag_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", SimpleNamespace(), raising=False)
    assert api.is_alone() is False
    comms = object.__new__(supervisor.InProcessSupervisorComms)
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", comms)
    assert api.is_alone() is True
