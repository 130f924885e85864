"""The trigger against an API server: which event ends the task, and what happens to the pod."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.triggers.base import TaskFailedEvent, TaskSkippedEvent, TaskSuccessEvent, TriggerEvent
from tests.support.fake_cluster import FakeCluster, fake_cluster
from tests.support.plans import plan
from tests.support.pods import ended, running
from tests.support.settings import DOCKER, LOCAL
from tests.support.steps import BAD, GOOD, IDENTITY, NAME, NOTHING, TaskInstance, created, pod, run, succeed, trigger

from podbt.airflow import trigger as trigger_module
from podbt.airflow.links import page_xcom
from podbt.airflow.pods import cluster, follow
from podbt.airflow.trigger import DbtPodTrigger
from podbt.constants import INSTANCE, INSTANCE_LABEL
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.record import Summary, to_json
from podbt.pod.build import run_labels
from podbt.pod.whose import RELEASE_LABEL


def test_success_ends_the_task_with_the_summary(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    event, fake = run(monkeypatch, succeed, prepare=lambda fake: fake.log.extend(["1 of 2 OK", "Done."]))
    assert isinstance(event, TaskSuccessEvent)
    assert event.xcoms == {"return_value": to_json(GOOD), **page_xcom(GOOD.artifacts)}
    assert fake.deleted == [NAME]
    assert fake.created[0]["spec"]["containers"][0]["args"] == ["build", "--target", "prod"]
    assert "1 of 2 OK\nDone." in capsys.readouterr().out


RETRIED = {"busy", "node_failure", "test_failure", "connection_error", "interrupted", "artifact_error", "lost"}
NEVER_RETRIED = {"config_error", "skew", "empty_selection"}


@pytest.mark.parametrize("reason", ExitReason)
def test_each_exit_reason_has_its_end(monkeypatch: pytest.MonkeyPatch, reason: ExitReason) -> None:
    """The last column of the table in docs/runs.md."""
    summary = Summary(status=reason.status, exit_reason=reason, error=None if reason.succeeded else "why")

    async def end(fake: FakeCluster) -> None:
        await created(fake)
        await fake.update(NAME, **ended(summary, reason.exit_code))

    event, _ = run(monkeypatch, end)
    if reason in RETRIED:
        assert isinstance(event, TaskFailedEvent)
    elif reason in NEVER_RETRIED:
        assert event.payload == {"summary": to_json(summary), "retryable": False}
    elif reason is ExitReason.NOTHING_TO_DO:
        assert isinstance(event, TaskSkippedEvent)
        assert event.xcoms == {"return_value": to_json(summary)}
    else:
        assert isinstance(event, TaskSuccessEvent)


def test_where_only_a_worker_gives_retries_a_failure_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async def end(fake: FakeCluster) -> None:
        await created(fake)
        await fake.update(NAME, **ended(BAD, 1))

    event, _ = run(monkeypatch, end, trigger(fail_on_worker=True))
    assert type(event) is TriggerEvent
    assert event.payload == {"summary": to_json(BAD), "retryable": True}
    event, _ = run(monkeypatch, succeed, trigger(fail_on_worker=True))
    assert isinstance(event, TaskSuccessEvent)


@pytest.mark.parametrize("reason", [ExitReason.NODE_FAILURE, ExitReason.CONFIG_ERROR, ExitReason.SUCCESS])
def test_only_a_failure_waits_for_its_log(monkeypatch: pytest.MonkeyPatch, reason: ExitReason) -> None:
    """A busy triggerer closes a task's log with its event, before it has read the last lines."""
    slept: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0 if seconds == 0.125 else seconds)

    async def end(fake: FakeCluster) -> None:
        await created(fake)
        monkeypatch.setattr(trigger_module, "LOG_SECONDS", 0.125)
        monkeypatch.setattr(asyncio, "sleep", noted)
        await fake.update(NAME, **ended(Summary(status=reason.status, exit_reason=reason), reason.exit_code))

    run(monkeypatch, end)
    assert (0.125 in slept) is not reason.succeeded


def test_a_skip_does_not_pass_the_callbacks_by(monkeypatch: pytest.MonkeyPatch) -> None:
    async def end(fake: FakeCluster) -> None:
        await created(fake)
        await fake.update(NAME, **ended(NOTHING, 0, "Completed"))

    event, _ = run(monkeypatch, end, trigger(resume_to_end=True))
    assert event.payload == {"summary": to_json(NOTHING), "retryable": True}


def expected_plan(fake: FakeCluster) -> str | None:
    env = {item["name"]: item.get("value") for item in fake.created[0]["spec"]["containers"][0]["env"]}
    return env.get("PODBT_EXPECT_PLAN")


def test_the_plan_of_the_settings_travels_with_the_step(
    monkeypatch: pytest.MonkeyPatch, settings_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "plan.json").write_text(plan("a").to_json())
    settings_file.write_text(settings_file.read_text() + f"plan: {tmp_path}/plan.json\n")
    _, fake = run(monkeypatch, succeed)
    assert expected_plan(fake) == plan("a").hash
    # A task group was made from the plan of its own time, and an image of the task's own has a plan of its own.
    _, fake = run(monkeypatch, succeed, trigger(step={"command": "build", "plan_hash": "b" * 64}))
    assert expected_plan(fake) == "b" * 64
    _, fake = run(monkeypatch, succeed, trigger(overrides={"image": "dbt:2"}))
    assert expected_plan(fake) is None


def test_a_plan_that_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch, settings_file: Path) -> None:
    async def nothing(_: FakeCluster) -> None:
        await asyncio.sleep(0)

    settings_file.write_text(settings_file.read_text() + "plan: /no/plan.json\n")
    event, fake = run(monkeypatch, nothing)
    assert "Plan file '/no/plan.json' cannot be read" in event.payload["summary"]["error"]
    assert fake.created == []


def test_a_retryable_failure_goes_through_the_tasks_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(fake: FakeCluster) -> None:
        await created(fake)
        await fake.update(NAME, **ended(BAD, 1))

    event, _ = run(monkeypatch, fail)
    assert isinstance(event, TaskFailedEvent)


def test_a_failure_that_no_retry_can_help_resumes_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = Summary(status=RunStatus.FAILED, exit_reason=ExitReason.CONFIG_ERROR, error="refused")

    async def fail(fake: FakeCluster) -> None:
        await created(fake)
        await fake.update(NAME, **ended(bad, 2))

    event, _ = run(monkeypatch, fail)
    assert not isinstance(event, TaskFailedEvent)
    assert event.payload == {"summary": to_json(bad), "retryable": False}


def test_callbacks_and_outlets_get_their_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    event, _ = run(monkeypatch, succeed, trigger(resume_to_end=True))
    assert not isinstance(event, TaskSuccessEvent)
    assert event.payload["summary"]["exit_reason"] == "success"


def test_a_restarted_triggerer_attaches_to_the_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    async def finish(fake: FakeCluster) -> None:
        await asyncio.sleep(0.2)
        await fake.update(NAME, **ended(GOOD, 0, "Completed"))

    def put(fake: FakeCluster) -> None:
        fake.pods[NAME] = pod() | {"status": running()}

    event, fake = run(monkeypatch, finish, prepare=put)
    assert isinstance(event, TaskSuccessEvent)
    assert fake.created == []


def test_cut_watches_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    event, _ = run(monkeypatch, succeed, prepare=lambda fake: setattr(fake, "cut_watches", 2))
    assert isinstance(event, TaskSuccessEvent)


def test_a_pod_deleted_from_outside_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    async def delete(fake: FakeCluster) -> None:
        await created(fake)
        await fake.update(NAME, **running())
        await asyncio.sleep(0.2)
        await fake.remove(NAME)

    event, _ = run(monkeypatch, delete)
    assert isinstance(event, TaskFailedEvent)
    assert event.xcoms is not None
    assert "deleted while it ran" in str(event.xcoms["return_value"])


def test_a_missing_secret_is_named_and_the_pod_deleted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait(fake: FakeCluster) -> None:
        await created(fake)
        message = 'MountVolume.SetUp failed for volume "profiles" : secret "profiles" not found'
        fake.events.append({"type": "Warning", "reason": "FailedMount", "message": message})
        await fake.update(NAME, age_seconds=25, phase="Pending")

    event, fake = run(monkeypatch, wait)
    assert "Secret 'profiles' does not exist" in event.payload["summary"]["error"]
    assert event.payload["retryable"] is False
    assert fake.deleted == [NAME]


def test_a_pod_that_finds_no_node_says_so_once_while_it_waits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unplaced = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "Insufficient cpu"}

    async def wait(fake: FakeCluster) -> None:
        await created(fake)
        await fake.update(NAME, age_seconds=15, phase="Pending", conditions=[unplaced])
        await asyncio.sleep(0.5)
        await succeed(fake)

    event, _ = run(monkeypatch, wait)
    assert isinstance(event, TaskSuccessEvent)
    assert capsys.readouterr().out.count(f"Pod {NAME} has not started yet: Unschedulable: Insufficient cpu") == 1


def test_quota_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = (403, "pods is forbidden: exceeded quota: team, requested: pods=1")
    event, fake = run(monkeypatch, succeed, prepare=lambda fake: fake.refusals.append(refusal))
    assert isinstance(event, TaskSuccessEvent)
    assert len(fake.created) == 1


def test_a_conflict_of_quotas_is_no_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = (409, 'Operation cannot be fulfilled on resourcequotas "team": please apply your changes')
    event, fake = run(monkeypatch, succeed, prepare=lambda fake: fake.refusals.append(refusal))
    assert isinstance(event, TaskSuccessEvent)
    assert len(fake.created) == 1


@pytest.mark.parametrize(
    ("status", "message"),
    [(403, "pods is forbidden: User cannot create"), (404, 'namespaces "ns" not found'), (422, "spec is invalid")],
)
def test_a_refused_pod_is_said_and_not_retried(monkeypatch: pytest.MonkeyPatch, status: int, message: str) -> None:
    async def nothing(_: FakeCluster) -> None:
        await asyncio.sleep(0)

    event, _ = run(monkeypatch, nothing, prepare=lambda fake: fake.refusals.append((status, message)))
    assert message in event.payload["summary"]["error"]
    assert event.payload["retryable"] is False


def test_wrong_settings_are_an_event_and_no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(_: FakeCluster) -> None:
        await asyncio.sleep(0)

    event, fake = run(monkeypatch, nothing, trigger(overrides={"image": "dbt:latest"}))
    assert "is not pinned" in event.payload["summary"]["error"]
    assert fake.created == []


def test_a_person_who_clears_the_task_deletes_its_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_TICK_SECONDS", 0.05)

    async def scenario() -> list[str]:
        async with fake_cluster(monkeypatch) as fake:
            tested = trigger()
            following = asyncio.ensure_future(anext(aiter(tested.run())))
            await created(fake)
            await fake.update(NAME, **running())
            await tested.on_kill()
            following.cancel()
            return fake.deleted

    assert asyncio.run(scenario()) == [NAME]


def test_a_restart_leaves_the_pod_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> list[str]:
        async with fake_cluster(monkeypatch) as fake:
            tested = trigger()
            following = asyncio.ensure_future(anext(aiter(tested.run())))
            await created(fake)
            await fake.update(NAME, **running())
            following.cancel()
            await tested.cleanup()
            await asyncio.sleep(0.2)
            return fake.deleted

    assert asyncio.run(scenario()) == []


def test_pods_that_a_dead_triggerer_forgot_are_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of earlier releases too, and never those of another installation in the namespace."""
    gone, labels = ended(GOOD, 0, "Completed"), run_labels(IDENTITY, INSTANCE)
    unnamed = {key: value for key, value in labels.items() if key != INSTANCE_LABEL}
    labelled = {
        "old": labels,
        "older": unnamed,
        "foreign": labels | {INSTANCE_LABEL: "other"},
        "release": unnamed | {RELEASE_LABEL: "other"},
        "young": labels,
    }
    pods = {
        name: {
            "metadata": {"name": name, "labels": of_it, "creationTimestamp": "2026-01-01T00:00:00Z"},
            "status": running() if name == "young" else gone,
        }
        for name, of_it in labelled.items()
    }
    event, fake = run(monkeypatch, succeed, prepare=lambda fake: fake.pods.update(pods))
    assert isinstance(event, TaskSuccessEvent)
    assert fake.deleted == [NAME, "old", "older"]


def test_dag_test_leaves_no_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its event loop ends with the trigger, so nothing can be put off."""
    monkeypatch.setattr(follow.PodFollower, "delete_later", lambda _: pytest.fail("put off"))
    _, fake = run(monkeypatch, succeed)
    assert fake.deleted == [NAME]


def test_a_finished_pod_is_deleted_later(monkeypatch: pytest.MonkeyPatch) -> None:
    tested = trigger(identity=None)
    tested.task_instance = TaskInstance()
    event, fake = run(monkeypatch, succeed, tested)
    assert isinstance(event, TaskSuccessEvent)
    assert fake.deleted == [NAME]


def test_a_step_that_a_worker_deferred_leaves_the_others_their_client(
    monkeypatch: pytest.MonkeyPatch, settings_file: Path
) -> None:
    """A mapped one, say: its trigger has an identity as in `dag.test()`, but runs in a triggerer, beside others."""
    monkeypatch.setattr(cluster, "disconnect", lambda: pytest.fail("closed"))
    settings_file.write_text(
        settings_file.read_text().replace("keep_finished_pod_seconds: 0", "keep_finished_pod_seconds: 9")
    )
    tested = trigger()
    tested.task_instance = TaskInstance()
    event, fake = run(monkeypatch, succeed, tested)
    assert isinstance(event, TaskSuccessEvent)
    assert fake.deleted == []  # it is kept for a while


def test_what_is_stored_makes_the_same_trigger() -> None:
    path, kwargs = trigger(overrides={"target": "clinic"}, resume_to_end=True).serialize()
    assert path == f"{DbtPodTrigger.__module__}.{DbtPodTrigger.__qualname__}"
    assert DbtPodTrigger(**kwargs).serialize() == (path, kwargs)


@pytest.mark.parametrize("settings", [DOCKER, LOCAL], ids=["docker", "local"])
def test_what_no_triggerer_may_start_goes_to_a_worker(settings_file: Path, settings: dict[str, Any]) -> None:
    settings_file.write_text(yaml.safe_dump(settings))

    async def events() -> list[TriggerEvent]:
        return [event async for event in trigger().run()]

    (event,) = asyncio.run(events())
    assert type(event) is TriggerEvent  # one that ends the task would be a subclass
    assert event.payload == {"runtime": settings["runtime"]}


def test_a_step_costs_few_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """It and its pod's deletion, beside the one list and watch that all steps of a namespace share."""
    _, fake = run(monkeypatch, succeed)
    assert {kind: fake.calls[kind] for kind in ("list", "watch", "create", "delete")} == {
        "list": 3, "watch": 1, "create": 1, "delete": 1  # two of the lists are the sweep's, each five minutes
    }  # fmt: skip
    assert fake.calls["log"] <= 2
    assert fake.calls.total() - fake.calls["list"] - fake.calls["watch"] <= 8
