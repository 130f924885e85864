"""dental_adhoc: what its form takes, what comes of it, and when somebody has to approve."""

import copy
from typing import Any

import jinja2
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.standard.operators import hitl
from airflow.sdk.exceptions import ParamValidationError, TaskDeferred
from tests.support.dags import SELECTORS

from podbt.airflow import ApproveFullRefresh
from podbt.contract.step import Step
from podbt.errors import ConfigError


def params_of(bag: DagBag, **values: Any) -> dict[str, Any]:
    """The form's values as Airflow validates them when the DAG is triggered."""
    params = copy.deepcopy(bag.dags["dental_adhoc"].params)
    for name, value in values.items():
        params[name] = value
    return dict(params.validate())


def step_of(bag: DagBag, params: dict[str, Any]) -> Step:
    """What the triggerer makes of the task's templates."""
    task: Any = bag.dags["dental_adhoc"].get_task("dbt")
    rendered = {name: jinja2.Template(text).render(params=params) for name, text in task.step.items()}
    return Step.from_dict(rendered)


def test_the_form_as_it_opens_builds_everything_in_demo(bag: DagBag) -> None:
    step = step_of(bag, params_of(bag))
    assert step.arguments("prod") == ["build", "--target", "demo"]


@pytest.mark.parametrize(
    ("values", "arguments"),
    [
        (
            {"command": "run", "select": "+fct_claims @stg_x,tag:daily path:models/marts", "target": "prod"},
            ["run", "--target", "prod", "--select", "+fct_claims", "@stg_x,tag:daily", "path:models/marts"],
        ),
        (
            {"selector": SELECTORS[0], "full_refresh": True},
            ["build", "--target", "demo", "--selector", SELECTORS[0], "--full-refresh"],
        ),
        ({"command": "source freshness"}, ["source", "freshness", "--target", "demo"]),
    ],
    ids=["words", "a selector in full", "freshness"],
)
def test_what_comes_of_a_form(bag: DagBag, values: dict[str, Any], arguments: list[str]) -> None:
    assert step_of(bag, params_of(bag, **values)).arguments("prod") == arguments


@pytest.mark.parametrize(
    "values",
    [
        {"command": "run-operation drop_all"},
        {"command": "build --full-refresh"},
        {"select": "--full-refresh"},
        {"select": "fct_claims --target prod"},
        {"select": "fct_claims -t prod"},
        {"select": "{{ var.value.secret }}"},
        {"select": "a;b"},
        {"select": "a\n--vars x"},
        {"select": "a\n"},
        {"select": "\n"},
        {"selector": "no_such_selector"},
        {"target": "clinic"},
        {"target": ""},
        {"full_refresh": "yes"},
        {"select": "x" * 501},
    ],
    ids=str,
)
def test_what_the_form_refuses(bag: DagBag, values: dict[str, Any]) -> None:
    with pytest.raises(ParamValidationError):
        params_of(bag, **values)


@pytest.mark.parametrize(
    "fields",
    [{"select": "a --full-refresh"}, {"exclude": "-x"}, {"selector": "--vars"}, {"target": "--full-refresh"}],
    ids=str,
)
def test_a_step_takes_no_flag_for_a_name(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="begins with a dash"):
        Step.of(**fields)


def test_the_form_has_no_field_for_anything_else(bag: DagBag) -> None:
    dag = bag.dags["dental_adhoc"]
    assert (
        set(dag.params) == {"command", "select", "selector", "target", "full_refresh"} == set(dag.get_task("dbt").step)
    )
    assert dag.get_task("dbt").upstream_task_ids == {"approval"}
    assert all(task.retries == 0 for task in dag.tasks)


def test_without_a_full_refresh_nobody_is_asked() -> None:
    task = ApproveFullRefresh(task_id="approval")
    assert task.execute({"params": {"full_refresh": False}}) is None


def test_a_full_refresh_waits_for_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **given: asked.append(given))

    class TaskInstance:
        id = "1"

    ann = {"id": "1", "name": "ann"}
    task = ApproveFullRefresh(task_id="approval", assigned_users=[ann])
    # Neither a worker nor a trigger waits; on Airflow 3.2, whose providers have no such state, a trigger does.
    with pytest.raises(getattr(hitl, "TaskAwaitingInput", TaskDeferred)):
        task.execute({"params": {"full_refresh": True}, "task_instance": TaskInstance(), "ti": TaskInstance()})
    assert [(one["options"], one["assigned_users"]) for one in asked] == [
        (["Approve", "Reject"], [{"id": "1", "name": "ann"}])
    ]
