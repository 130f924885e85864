"""A group's own tasks: what is whose failure, and what the end says."""

import asyncio
from datetime import UTC, datetime
from pkgutil import resolve_name
from typing import Any, cast

import pytest
from airflow.triggers.base import TaskFailedEvent, TaskSuccessEvent, TriggerEvent
from tests.support.fake_airflow import FakeAirflow, FakeDag, FakeTask, FakeTaskInstance
from tests.support.fake_cluster import FakeCluster, fake_cluster
from tests.support.pods import ended, running

from podbt.airflow.group import triggers as group_triggers
from podbt.airflow.group.names import OWN_TASKS
from podbt.airflow.group.place import TOLD
from podbt.airflow.group.triggers import FinishTrigger, GroupPodTrigger
from podbt.airflow.pods import follow
from podbt.airflow.pods.places import key_of
from podbt.constants import INSTANCE
from podbt.contract.events import NodeEvent, encode
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.record import Failure, RunIdentity, Summary
from podbt.pod.build import pod_name, run_annotations, run_labels

NOW = datetime.now(UTC)
POD = RunIdentity(dag_id="d", run_id="r", task_id="g.pod")
NAME = pod_name(POD, INSTANCE)
BOOM = Failure(unique_id="model.p.a", status="error", message="boom")
BAD = Summary(status=RunStatus.FAILED, exit_reason=ExitReason.NODE_FAILURE, error="model.p.a: boom", failures=[BOOM])
GOOD = Summary(status=RunStatus.SUCCESS, exit_reason=ExitReason.SUCCESS)


def run(
    monkeypatch: pytest.MonkeyPatch, summary: Summary, dag: FakeDag, *, try_number: int = 1, **states: str | None
) -> tuple[TriggerEvent, FakeCluster]:
    """Runs the pod's trigger over a pod that ends so."""
    name = pod_name(POD.model_copy(update={"try_number": try_number}), INSTANCE)
    monkeypatch.setattr(follow, "_TICK_SECONDS", 0.05)

    async def play(fake: FakeCluster) -> None:
        await fake.until(lambda: name in fake.pods)
        fake.logs[name] = [encode(NodeEvent.of("model.p.a", "error", at=NOW, message="boom")), "a line for people"]
        await fake.update(name, **running())
        await asyncio.sleep(0.1)
        await fake.update(name, **ended(summary, 0 if summary.status == "success" else 1))

    async def both() -> tuple[TriggerEvent, FakeCluster]:
        async with fake_cluster(monkeypatch) as fake:
            FakeAirflow.install(monkeypatch, **states)
            tested = GroupPodTrigger(step={"command": "build", "events": True})
            tested.task_instance = FakeTaskInstance("g.pod", FakeTask(dag=dag), try_number)
            playing = asyncio.ensure_future(play(fake))
            event = await asyncio.wait_for(anext(aiter(tested.run())), 30)
            await playing
            return event, fake

    return asyncio.run(both())


@pytest.mark.parametrize("state", ["deferred", "failed", "up_for_retry", "skipped"])
def test_a_failed_model_is_its_own_tasks_failure(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    event, _ = run(monkeypatch, BAD, FakeDag(a="model.p.a"), a=state)
    assert isinstance(event, TaskSuccessEvent)
    assert event.xcoms is not None
    assert event.xcoms["return_value"]["status"] == "failed"
    assert event.xcoms[TOLD]["failed"] == {key_of("model.p.a"): "boom"}


@pytest.mark.parametrize(
    ("dag", "states"),
    [
        pytest.param(FakeDag(b="model.p.b"), {"b": "deferred"}, id="a node without a task"),
        pytest.param(FakeDag(a="model.p.a"), {"a": "success"}, id="its task stays green: the pod alone was cleared"),
    ],
)
def test_no_failure_goes_unseen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], dag: FakeDag, states: dict[str, str]
) -> None:
    event, _ = run(monkeypatch, BAD, dag, **states)  # type: ignore[arg-type]  # states, none of them a number
    assert isinstance(event, TaskFailedEvent)
    assert "No task shows that model.p.a failed" in capsys.readouterr().out


@pytest.mark.parametrize("reason", [ExitReason.CONNECTION_ERROR, ExitReason.INTERRUPTED, ExitReason.ARTIFACT_ERROR])
def test_where_dbt_did_not_get_to_its_end_the_pods_task_fails(
    monkeypatch: pytest.MonkeyPatch, reason: ExitReason
) -> None:
    summary = BAD.model_copy(update={"exit_reason": reason})
    event, _ = run(monkeypatch, summary, FakeDag(a="model.p.a"), a="deferred")
    assert isinstance(event, TaskFailedEvent)


def test_what_no_retry_can_help_tells_its_models_too(monkeypatch: pytest.MonkeyPatch) -> None:
    summary = BAD.model_copy(update={"exit_reason": ExitReason.CONFIG_ERROR})
    event, _ = run(monkeypatch, summary, FakeDag(a="model.p.a"), a="deferred")
    assert not isinstance(event, TaskFailedEvent)
    assert event.payload["retryable"] is False
    assert event.payload[TOLD]["pod"] == NAME


@pytest.mark.parametrize(("state", "resume"), [("success", None), ("deferred", "0"), (None, "0")])
def test_a_group_that_was_cleared_as_a_whole_starts_anew(
    monkeypatch: pytest.MonkeyPatch, state: str | None, resume: str | None
) -> None:
    """After a lost pod it goes on instead: then some models are green."""
    _, fake = run(monkeypatch, GOOD, FakeDag(a="model.p.a"), try_number=2, a=state)
    env = {item["name"]: item.get("value") for item in fake.created[0]["spec"]["containers"][0]["env"]}
    assert env.get("PODBT_RESUME") == resume
    assert env["PODBT_EVENTS"] == "1"


def test_progress_is_no_line_for_people(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(monkeypatch, GOOD, FakeDag())
    said = capsys.readouterr().out
    assert "a line for people" in said
    assert "::podbt" not in said


def test_it_waits_for_pods_that_still_write_the_same_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that runs alone while the whole run is cleared."""
    other = RunIdentity(dag_id="d", run_id="r", task_id="g.a")

    async def scenario() -> tuple[bool, bool]:
        async with fake_cluster(monkeypatch) as fake:
            FakeAirflow.install(monkeypatch)
            meta = {
                "name": pod_name(other, INSTANCE),
                "uid": "o",
                "labels": run_labels(other, INSTANCE),
                "annotations": run_annotations(other),
            }
            fake.pods[pod_name(other, INSTANCE)] = {"metadata": meta}
            await fake.update(pod_name(other, INSTANCE), **running())
            tested = GroupPodTrigger(step={"command": "build"})
            tested.task_instance = FakeTaskInstance("g.pod", FakeTask(dag=FakeDag(a="model.p.a")))
            waiting = asyncio.ensure_future(anext(aiter(tested.run())))
            await asyncio.sleep(0.3)
            before = NAME in fake.pods
            await fake.remove(pod_name(other, INSTANCE))
            await asyncio.wait_for(fake.until(lambda: NAME in fake.pods), 10)
            waiting.cancel()
            await asyncio.wait({waiting})
            return before, NAME in fake.pods

    assert asyncio.run(scenario()) == (False, True)


def end_of(monkeypatch: pytest.MonkeyPatch, trigger: Any, **states: str | None) -> TriggerEvent:
    FakeAirflow.install(monkeypatch, **states)
    owned = {name: f"model.p.{name}" for name in states if name not in OWN_TASKS}
    trigger.task_instance = FakeTaskInstance("g.finish", FakeTask(dag=FakeDag(**owned)))

    async def first() -> TriggerEvent:
        return await asyncio.wait_for(anext(aiter(trigger.run())), 10)

    return asyncio.run(first())


@pytest.mark.parametrize(
    ("states", "kind"),
    [
        pytest.param({"pod": "success", "a": "success"}, TaskSuccessEvent, id="all well"),
        pytest.param({"pod": "success", "a": "failed", "b": "skipped"}, TaskFailedEvent, id="a model failed"),
        pytest.param({"pod": "failed", "a": "skipped"}, TaskFailedEvent, id="dbt never began"),
        pytest.param({"start": "upstream_failed", "a": "upstream_failed"}, TaskFailedEvent, id="nothing began"),
        pytest.param({"a": "success", "assets": "failed"}, TaskSuccessEvent, id="asset events fail for themselves"),
        pytest.param({"a": "success", "assets": "running"}, TaskSuccessEvent, id="asset events are not waited for"),
    ],
)
def test_a_run_is_green_only_where_every_model_is(
    monkeypatch: pytest.MonkeyPatch, states: dict[str, str | None], kind: type[Any]
) -> None:
    assert type(end_of(monkeypatch, FinishTrigger("g.pod"), **states)) is kind


def test_the_end_waits_for_every_task_whatever_airflow_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there from the start, so it sees the tasks at work."""
    done: dict[str, str | None] = {"g.pod": "success", "g.a": "success", "g.assets": None, "other": None}
    answers: list[dict[str, str | None] | Exception] = [
        {**done, "g.pod": "deferred", "g.a": None},
        OSError("no answer"),
        {**done, "g.a": "up_for_retry"},
        {**done, "g.a": "deferred"},
        done,
    ]
    slept = []

    async def states(_: Any) -> dict[str, str | None]:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    trigger: Any = FinishTrigger("g.pod")
    trigger.task_instance = FakeTaskInstance("g.finish", FakeTask(dag=FakeDag(a="model.p.a")))
    monkeypatch.setattr(group_triggers, "task_states", states)
    monkeypatch.setattr(asyncio, "sleep", sleep)

    async def first() -> TriggerEvent:
        return cast("TriggerEvent", await anext(aiter(trigger.run())))

    assert type(asyncio.run(first())) is TaskSuccessEvent
    assert not answers
    assert slept == [2.0, 5.0, 0.5, 0.5]


@pytest.mark.parametrize(
    "dag", [None, FakeDag(), FakeDag("other.pod", a="model.p.a")], ids=["no DAG", "none", "others"]
)
def test_an_end_that_finds_no_model_is_no_success(monkeypatch: pytest.MonkeyPatch, dag: FakeDag | None) -> None:
    FakeAirflow.install(monkeypatch, start="success", pod="success", a="failed")
    trigger: Any = FinishTrigger("g.pod")
    trigger.task_instance = FakeTaskInstance("g.finish", FakeTask(dag=dag))

    async def first() -> TriggerEvent:
        return await asyncio.wait_for(anext(aiter(trigger.run())), 10)

    assert type(asyncio.run(first())) is TaskFailedEvent


def test_where_no_task_is_attached_the_members_travel(monkeypatch: pytest.MonkeyPatch) -> None:
    trigger = FinishTrigger("g.pod", ["g.a"])
    FakeAirflow.install(monkeypatch, start="success", pod="success", a="failed")
    path, arguments = trigger.serialize()
    assert arguments == {"pod": "g.pod", "members": ["g.a"]}
    trigger = resolve_name(path)(**arguments)
    trigger.task_instance = FakeTaskInstance("g.finish", FakeTask())

    async def first() -> TriggerEvent:
        return await asyncio.wait_for(anext(aiter(trigger.run())), 10)

    event = asyncio.run(first())
    assert isinstance(event, TaskFailedEvent)
    assert event.xcoms == {
        "return_value": {"status": "failed", "counts": {"failed": 1, "success": 2}, "failed": ["g.a"]}
    }


def test_what_is_stored_makes_the_same_trigger() -> None:
    path, arguments = FinishTrigger("g.pod").serialize()
    assert resolve_name(path) is FinishTrigger
    assert resolve_name(path)(**arguments).pod == "g.pod"
