"""DbtOperator: one class for all runtimes, chosen when the task runs."""

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred
from tests.support.operators import CONTEXT, GOOD, Follower
from tests.support.settings import DOCKER, LOCAL

from podbt.airflow import DbtOperator, DbtPodOperator
from podbt.airflow import worker as module
from podbt.airflow.runtimes import kubernetes, run_of
from podbt.contract.exits import ExitReason
from podbt.contract.outcome import Outcome, failure
from podbt.contract.record import RunIdentity
from podbt.contract.settings.load import AnySettings, parse_settings
from podbt.contract.step import Step
from podbt.errors import ConfigError


class FakeRun:
    """Stands for a container or process that ends as told."""

    outcome: Outcome = GOOD
    made: list[tuple[AnySettings, Step, RunIdentity]] = []
    stops: DbtOperator | None = None
    stopped = False

    def __init__(self, settings: AnySettings, step: Step, identity: RunIdentity, _log: Any, _on_line: Any) -> None:
        self.made.append((settings, step, identity))

    def execute(self) -> Outcome:
        if self.stops is not None:
            self.stops.on_kill()  # as Airflow's SIGTERM handler does
        return self.outcome

    def stop(self) -> None:
        type(self).stopped = True


@pytest.fixture
def fake_run(monkeypatch: pytest.MonkeyPatch) -> type[FakeRun]:
    class Fresh(FakeRun):
        made: list[tuple[AnySettings, Step, RunIdentity]] = []

    monkeypatch.setattr(module, "run_of", Fresh)
    return Fresh


@pytest.fixture(params=[DOCKER, LOCAL], ids=["docker", "local"])
def elsewhere(request: pytest.FixtureRequest, settings_file: Path) -> str:
    settings_file.write_text(yaml.safe_dump(request.param))
    return str(request.param["runtime"])


def operator(**kwargs: Any) -> DbtOperator:
    return DbtOperator(task_id="t", **kwargs)


def test_it_is_no_pod_operator_but_the_pod_operator_is_one_of_it() -> None:
    assert not isinstance(operator(), KubernetesPodOperator)
    assert isinstance(DbtPodOperator(task_id="t"), DbtOperator)
    assert operator().start_from_trigger is True


@pytest.mark.parametrize("made", [DbtOperator, DbtPodOperator])
def test_a_dags_default_arguments_reach_it(made: type[DbtOperator]) -> None:
    with DAG("d", schedule=None, default_args={"target": "clinic", "retries": 7}):
        task = made(task_id="t", select="a")
    assert task.step == {"command": "build", "select": "a", "target": "clinic"}
    assert task.retries == 7


@pytest.mark.parametrize("key", ["runtime", "imgae"])
def test_a_task_changes_only_what_some_runtime_knows(key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        operator(settings={key: "x"})


def test_on_kubernetes_it_defers() -> None:
    with pytest.raises(TaskDeferred):
        operator().execute(CONTEXT)


def test_elsewhere_it_runs_here(elsewhere: str, fake_run: type[FakeRun]) -> None:
    tested = operator(select="tag:daily", settings={"resources": {"limits": {"memory": "1Gi"}}})
    assert tested.execute(CONTEXT)["exit_reason"] == "success"
    ((settings, step, identity),) = fake_run.made
    assert settings.runtime == elsewhere
    assert step.select == ("tag:daily",)
    assert identity.try_number == 2


def test_the_triggers_word_runs_it_here(elsewhere: str, fake_run: type[FakeRun]) -> None:
    assert operator().resume(CONTEXT, {"runtime": elsewhere})["exit_reason"] == "success"
    assert len(fake_run.made) == 1


@pytest.mark.usefixtures("elsewhere")
def test_a_stopped_worker_never_succeeds(fake_run: type[FakeRun], monkeypatch: pytest.MonkeyPatch) -> None:
    tested = operator()
    monkeypatch.setattr(fake_run, "stops", tested)
    with pytest.raises(AirflowException, match="told to stop") as raised:
        tested.execute(CONTEXT)
    assert not isinstance(raised.value, AirflowFailException)
    assert fake_run.stopped


@pytest.mark.usefixtures("elsewhere")
def test_a_worker_told_to_stop_before_dbt_started_stops_it(fake_run: type[FakeRun]) -> None:
    tested = operator()
    tested.on_kill()
    with pytest.raises(AirflowException, match="told to stop"):
        tested.execute(CONTEXT)
    assert fake_run.stopped


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("reason", "error"),
    [(ExitReason.NODE_FAILURE, AirflowException), (ExitReason.CONFIG_ERROR, AirflowFailException)],
)
def test_it_fails_as_the_run_did(
    fake_run: type[FakeRun], monkeypatch: pytest.MonkeyPatch, reason: ExitReason, error: type[Exception]
) -> None:
    monkeypatch.setattr(fake_run, "outcome", failure(reason, "why"))
    with pytest.raises(error, match="why") as raised:
        operator().execute(CONTEXT)
    assert type(raised.value) is error


@pytest.mark.usefixtures("elsewhere")
def test_the_pod_operator_refuses_other_runtimes() -> None:
    with pytest.raises(AirflowFailException, match=r"Use DbtOperator\."):
        DbtPodOperator(task_id="t").execute(CONTEXT)
    with pytest.raises(AirflowFailException, match=r"Use DbtOperator\."):
        DbtPodOperator(task_id="t").resume(CONTEXT, {"runtime": "local"})


def test_a_worker_waits_for_its_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes, "PodFollower", Follower)
    assert operator(deferrable=False).execute(CONTEXT)["exit_reason"] == "success"


def test_a_runtime_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "podbt.airflow.runtimes.docker", None)
    settings = parse_settings(DOCKER, source="s")
    with pytest.raises(ConfigError, match=r"needs apache-airflow-providers-docker .*podbt\[docker\]"):
        run_of(settings, Step(), RunIdentity(dag_id="d", run_id="r", task_id="t"), None)
