"""DbtPodOperator: what is refused when a DAG is written, what travels, and how a worker ends it."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException, TaskDeferred
from airflow.triggers.base import TaskSkippedEvent
from tests.support.operators import CONTEXT, GOOD, FakeTaskInstance, Follower, operator

from podbt.airflow import DbtPodOperator
from podbt.airflow.runtimes import kubernetes as module
from podbt.airflow.trigger import DbtPodTrigger
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.outcome import Outcome, failure
from podbt.contract.record import Summary, to_json
from podbt.errors import ConfigError


def arguments(tested: DbtPodOperator) -> dict[str, Any]:
    return dict(tested.start_trigger_args.trigger_kwargs or {})


def test_it_is_a_kubernetes_pod_operator_that_starts_in_its_trigger() -> None:
    tested = operator(select="tag:daily", vars={"day": "{{ ds }}"})
    assert isinstance(tested, KubernetesPodOperator)
    assert tested.start_from_trigger is True
    assert tested.start_trigger_args.trigger_cls == f"{DbtPodTrigger.__module__}.{DbtPodTrigger.__qualname__}"
    assert arguments(tested)["step"] == {"command": "build", "select": "tag:daily", "vars": {"day": "{{ ds }}"}}
    assert DbtPodTrigger(**arguments(tested)).step == tested.step


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"command": "biuld"}, "'biuld' is not one of", id="command"),
        pytest.param({"selector": "a", "select": "b"}, "beside select", id="selector and select"),
        pytest.param({"defer": True}, "need a state", id="defer to nothing"),
        pytest.param({"freshness": "warn"}, "Give gate or exclude", id="freshness"),
        pytest.param({"image": "dbt:1"}, "takes no image", id="KPO's own argument"),
        pytest.param({"env_vars": {"A": "b"}}, "takes no env_vars", id="KPO's environment"),
        pytest.param({"settings": {"imgae": "dbt:1"}}, "imgae is not a known key", id="settings"),
    ],
)
def test_a_mistake_is_refused_when_the_dag_is_parsed(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        operator(**fields)


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(TypeError, match="modles"):
        operator(modles="x")


def test_a_templated_command_is_judged_once_it_is_rendered() -> None:
    assert operator(command="{{ params.command }}").step["command"] == "{{ params.command }}"


def test_execution_timeout_is_the_pods_deadline() -> None:
    tested = operator(execution_timeout=timedelta(hours=1))
    assert tested.execution_timeout is None
    assert arguments(tested)["overrides"] == {"run_timeout_seconds": 3600}


@pytest.mark.parametrize(
    ("fields", "resumes"),
    [
        ({}, False),
        ({"outlets": [Asset("mart")]}, True),
        ({"on_success_callback": lambda _: None}, True),
        ({"on_failure_callback": lambda _: None}, False),
    ],
    ids=["plain", "outlets", "success callback", "failure callback"],
)
def test_only_what_needs_a_worker_gets_one(fields: dict[str, Any], resumes: bool) -> None:
    assert arguments(operator(**fields))["resume_to_end"] is resumes


def test_dag_test_defers_with_its_identity() -> None:
    with pytest.raises(TaskDeferred) as deferred:
        operator().execute(CONTEXT)
    assert deferred.value.trigger.identity["try_number"] == 2
    assert deferred.value.method_name == "resume"


@pytest.mark.parametrize("event", ["failed", None, "anything"])
def test_resume_never_takes_silence_for_success(event: Any) -> None:
    with pytest.raises(AirflowException, match="its log says why"):
        operator().resume(CONTEXT, event)


def test_resume_ends_as_the_trigger_said() -> None:
    good = {"summary": to_json(GOOD.summary), "retryable": True}
    assert operator().resume(CONTEXT, good)["exit_reason"] == "success"
    assert operator().resume(CONTEXT, "success") is None
    bad = failure(ExitReason.CONFIG_ERROR, "Secret 'x' does not exist")
    with pytest.raises(AirflowFailException, match="Secret 'x' does not exist"):
        operator().resume(CONTEXT, {"summary": to_json(bad.summary), "retryable": False})


@pytest.mark.parametrize("retryable", [True, False])
def test_a_failure_leaves_its_summary(retryable: bool) -> None:
    """Airflow keeps no XCom of what raises, and notifications read it."""
    bad = to_json(failure(ExitReason.LOST, "why").summary)
    instance = FakeTaskInstance()
    with pytest.raises(AirflowException, match="why"):
        operator().resume({"ti": instance}, {"summary": bad, "retryable": retryable})
    assert instance.xcoms == {"return_value": bad}


def test_what_is_refused_on_a_worker_leaves_a_summary(settings_file: Path) -> None:
    settings_file.unlink()
    instance = FakeTaskInstance()
    with pytest.raises(AirflowFailException, match="cannot be read"):
        operator(deferrable=False).execute({"ti": instance})
    assert instance.xcoms["return_value"]["exit_reason"] == "config_error"


def test_an_xcom_that_airflow_does_not_take_changes_no_verdict() -> None:
    bad = failure(ExitReason.CONFIG_ERROR, "Secret 'x' does not exist")
    with pytest.raises(AirflowFailException, match="Secret 'x' does not exist"):
        operator().resume(
            {"ti": FakeTaskInstance(answers=False)}, {"summary": to_json(bad.summary), "retryable": False}
        )


NOTHING = Outcome(summary=Summary(status=RunStatus.SKIPPED, exit_reason=ExitReason.NOTHING_TO_DO), retryable=True)


def test_nothing_to_do_skips_the_task() -> None:
    with pytest.raises(AirflowSkipException, match="nothing to do"):
        operator().resume(CONTEXT, {"summary": to_json(NOTHING.summary), "retryable": True})
    with pytest.raises(AirflowSkipException, match="nothing to do"):
        operator().resume(CONTEXT, TaskSkippedEvent().payload)  # what dag.test() passes on


def test_several_commands_are_one_pod() -> None:
    tested = operator(commands=["seed", {"command": "build", "selector": "daily"}], keep_going=True, target="clinic")
    assert arguments(tested)["step"] == {
        "commands": ["seed", {"command": "build", "selector": "daily"}], "keep_going": True, "target": "clinic",
    }  # fmt: skip
    assert tested.doc_md is None
    assert operator(commands=["run --select {{ ds }}"]).start_from_trigger is True
    for mistaken in ({"command": "run"}, {"select": "a"}):
        with pytest.raises(ConfigError, match="stands beside commands"):
            operator(commands=["seed"], **mistaken)
    with pytest.raises(ConfigError, match="empty list"):
        operator(commands=[])


def test_plain_variables_travel_with_the_step() -> None:
    tested = operator(env={"DAY": "{{ ds }}", "N": 1})
    assert arguments(tested)["step"]["env"] == {"DAY": "{{ ds }}", "N": 1}
    with pytest.raises(ConfigError, match="PODBT_X is not for dbt"):
        operator(env={"PODBT_X": "y"})


def test_a_variable_of_the_settings_secrets_is_no_plain_one(settings_file: Path) -> None:
    secret = {"name": "TOKEN", "secret": "s", "key": "k"}
    settings_file.write_text(yaml.safe_dump(yaml.safe_load(settings_file.read_text()) | {"secret_env": [secret]}))
    with pytest.raises(AirflowFailException, match="TOKEN is given by the settings, as a secret"):
        operator(env={"TOKEN": "plain"}, deferrable=False).execute(CONTEXT)


def test_state_and_freshness_travel_with_the_step() -> None:
    fields = {"state": "prod", "defer": True, "on_missing_state": "full", "freshness": "exclude"}
    assert operator(**fields).step == {"command": "build", **fields}


def test_a_waiting_worker_returns_the_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PodFollower", Follower)
    tested = operator(deferrable=False)
    assert tested.start_from_trigger is False
    assert tested.execute(CONTEXT)["exit_reason"] == "success"


def test_a_stopped_worker_never_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """apache/airflow#73006: the pod is deleted and the task ends as success."""
    tested = operator(deferrable=False)
    monkeypatch.setattr(module, "PodFollower", Follower)
    monkeypatch.setattr(Follower, "stopped", tested)
    with pytest.raises(AirflowException, match="told to stop"):
        tested.execute(CONTEXT)


def test_a_stopped_worker_deletes_the_pod_that_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    deleted: list[bool] = []
    tested = operator(deferrable=False)

    class Running(Follower):
        async def follow(self) -> Outcome:
            tested.on_kill()
            await asyncio.sleep(600)
            raise AssertionError("it was not stopped")

        async def delete(self, *, now: bool) -> None:
            deleted.append(now)

    monkeypatch.setattr(module, "PodFollower", Running)
    with pytest.raises(AirflowException, match="told to stop") as raised:
        tested.execute(CONTEXT)
    assert type(raised.value) is AirflowException
    assert deleted == [True]


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        (reason, AirflowException if reason.retryable else AirflowFailException)
        for reason in ExitReason
        if reason.status == "failed"
    ],
)
def test_a_waiting_worker_fails_as_the_run_did(
    monkeypatch: pytest.MonkeyPatch, reason: ExitReason, error: type[Exception]
) -> None:
    monkeypatch.setattr(module, "PodFollower", Follower)
    monkeypatch.setattr(Follower, "outcome", failure(reason, "why"))
    with pytest.raises(error, match="why") as raised:
        operator(deferrable=False).execute(CONTEXT)
    assert type(raised.value) is error


def test_a_waiting_worker_leaves_no_pod_that_nobody_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    deleted: list[bool] = []

    class Broken(Follower):
        async def follow(self) -> Outcome:
            raise OSError("watching pods is forbidden")

        async def delete(self, *, now: bool) -> None:
            deleted.append(now)

    monkeypatch.setattr(module, "PodFollower", Broken)
    with pytest.raises(OSError, match="forbidden"):
        operator(deferrable=False).execute(CONTEXT)
    assert deleted == [True]


def test_a_waiting_worker_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PodFollower", Follower)
    monkeypatch.setattr(Follower, "outcome", NOTHING)
    with pytest.raises(AirflowSkipException):
        operator(deferrable=False).execute(CONTEXT)
