"""What podbt spares Airflow's triggerer: the DAG of triggers that need none, and requests that nobody hears."""

import logging
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from airflow import plugins_manager
from airflow.callbacks.callback_requests import TaskCallbackRequest
from airflow.callbacks.database_callback_sink import DatabaseCallbackSink
from airflow.jobs import triggerer_job_runner
from airflow.sdk import DAG
from airflow.utils.state import TaskInstanceState
from tests.support.plans import plan

from podbt.airflow import DbtModelGroup, DbtOperator, triggerer
from podbt.airflow.supported import STARTS_IN_TRIGGER

STEP = "podbt.airflow.trigger.DbtPodTrigger"
MODEL = "podbt.airflow.group.model_trigger.ModelTrigger"
PLAN = plan("a", "b < a")


class Supervisor:
    """As Airflow 3.3.2's, as far as podbt touches it."""

    def __init__(self) -> None:
        self.dags: list[Any] = []

    def _create_workload(self, trigger: Any, dag_bag: Any, render_log_fname: Any, session: Any) -> str:
        self.dags.append(dag_bag.get_serialized_dag_model_for_run("run", session=session))
        return "workload"

    def on_trigger_event(self, trigger_id: int, event: Any) -> None:
        DatabaseCallbackSink().send(callback=event)

    def make(self, classpath: str, *, task: Any = "ti", number: int = 1, **arguments: Any) -> Any:
        """The DAG that goes with a trigger."""
        trigger = SimpleNamespace(id=number, classpath=classpath, kwargs=arguments, task_instance=task)
        bag = SimpleNamespace(get_serialized_dag_model_for_run=lambda *_, **__: "dag")
        made = self._create_workload(trigger=trigger, dag_bag=bag, render_log_fname=None, session=None)
        assert made == "workload"
        return self.dags.pop()


@pytest.fixture
def supervisor() -> Supervisor:
    class Own(Supervisor):
        """Of this test alone, since it is changed."""

    made = Own
    triggerer.lighten(SimpleNamespace(TriggerRunnerSupervisor=made))
    triggerer.lighten(SimpleNamespace(TriggerRunnerSupervisor=made))  # a triggerer may call it twice
    return made()


@pytest.mark.parametrize(
    ("classpath", "arguments", "dag"),
    [
        pytest.param(STEP, {"step": {"select": ["a"]}, "overrides": {}}, None, id="a step"),
        pytest.param(MODEL, {"pod": "g.pod", "parents": []}, None, id="a model"),
        pytest.param(MODEL, {"pod": "g.pod"}, "dag", id="a model of an earlier release, which asks its DAG"),
        pytest.param(STEP, {"step": {"vars": {"day": "{{ ds }}"}}}, "dag", id="a template"),
        pytest.param(STEP, {"step": {"select": ["{% if x %}a{% endif %}"]}}, "dag", id="a statement in a template"),
        pytest.param("podbt.airflow.group.triggers.FinishTrigger", {"pod": "g.pod"}, "dag", id="the end of a group"),
        pytest.param("airflow.triggers.Other", {"parents": []}, "dag", id="another's"),
    ],
)
def test_a_trigger_gets_its_dag_where_it_needs_it(
    supervisor: Supervisor, classpath: str, arguments: dict[str, Any], dag: str | None
) -> None:
    assert supervisor.make(classpath, **arguments) == dag


def test_arguments_that_cannot_be_read_are_airflows_to_complain_of(supervisor: Supervisor) -> None:
    class Broken:
        id, classpath, task_instance = 1, STEP, "ti"

        @property
        def kwargs(self) -> dict[str, Any]:
            raise ValueError("another key")

    bag = SimpleNamespace(get_serialized_dag_model_for_run=lambda *_, **__: "dag")
    supervisor._create_workload(trigger=Broken(), dag_bag=bag, render_log_fname=None, session=None)
    assert supervisor.dags == ["dag"]


@pytest.mark.parametrize(
    ("classpath", "state", "sent"),
    [
        pytest.param(MODEL, TaskInstanceState.SUCCESS, False, id="our success"),
        pytest.param(MODEL, TaskInstanceState.FAILED, True, id="our failure"),
        pytest.param(MODEL, TaskInstanceState.UP_FOR_RETRY, True, id="our failure that is tried again"),
        pytest.param("airflow.triggers.Other", TaskInstanceState.SUCCESS, True, id="another's success"),
    ],
)
def test_a_success_of_ours_is_told_to_nobody(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, classpath: str, state: TaskInstanceState, *, sent: bool
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(DatabaseCallbackSink, "send", lambda _, callback: told.append(callback))
    supervisor.make(classpath, parents=[], number=7)
    request = TaskCallbackRequest.model_construct(task_callback_type=state)
    supervisor.on_trigger_event(trigger_id=7, event=request)
    assert told == ([request] if sent else [])
    supervisor.on_trigger_event(trigger_id=8, event=request)  # nothing is left of it for the next
    assert told[-1:] == [request]


def test_an_airflow_that_changed_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    class Changed:
        def create(self) -> None: ...

    with caplog.at_level(logging.WARNING):
        triggerer.lighten(SimpleNamespace(TriggerRunnerSupervisor=Changed))
    assert "not as podbt knows it" in caplog.text
    assert not hasattr(Changed, "podbt")


def test_a_component_that_is_no_triggerer_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, triggerer_job_runner.__name__)
    triggerer.Listener().on_starting(component=None)
    assert triggerer_job_runner.__name__ not in sys.modules


def test_airflows_own_triggerer_is_as_podbt_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where tasks start in triggers: Airflow 3.2 sends no DAG with any."""
    mine = type("Mine", (triggerer_job_runner.TriggerRunnerSupervisor,), {})
    module = ModuleType(triggerer_job_runner.__name__)
    monkeypatch.setattr(module, "TriggerRunnerSupervisor", mine, raising=False)
    monkeypatch.setitem(sys.modules, triggerer_job_runner.__name__, module)
    triggerer.Listener().on_starting(component=None)
    assert getattr(mine, "podbt", False) is STARTS_IN_TRIGGER


def test_airflow_finds_the_listener() -> None:
    plugins, _ = plugins_manager._get_plugins()
    assert "podbt triggerer" in {plugin.name for plugin in plugins}


def test_tasks_as_people_write_them_need_no_dag() -> None:
    with DAG("d", schedule=None) as dag:
        DbtOperator(task_id="step", select="tag:x", vars={"a": 1})
        DbtModelGroup("g", plan=PLAN, target="prod")
    for name in ("step", "g.a", "g.b"):
        start: Any = dag.get_task(name).start_trigger_args
        assert triggerer.needs_no_dag(start.trigger_cls, start.trigger_kwargs), name
    finish: Any = dag.get_task("g.finish").start_trigger_args
    assert not triggerer.needs_no_dag(finish.trigger_cls, finish.trigger_kwargs)


def test_while_lineage_of_tasks_is_told_their_dags_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"step": {"command": "build"}, "overrides": {}}
    assert triggerer.needs_no_dag(STEP, given)
    monkeypatch.setattr("podbt.airflow.observe.lineage.enabled", lambda: True)
    assert not triggerer.needs_no_dag(STEP, given)
