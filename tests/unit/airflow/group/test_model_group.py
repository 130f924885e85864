"""DbtModelGroup: its tasks, their edges, what travels, and what is refused when a DAG is parsed."""

import json
from contextlib import nullcontext
from typing import Any

import pytest
from airflow.sdk import DAG, Asset
from airflow.serialization.serialized_objects import DagSerialization
from tests.support.plans import plan, uid

from podbt.airflow import DbtModelGroup, dbt_asset
from podbt.airflow.assets import ALIAS
from podbt.airflow.group import model_group
from podbt.airflow.group.model_trigger import ModelTrigger
from podbt.airflow.group.tasks import ModelTask
from podbt.airflow.pods.places import key_of, unpacked
from podbt.errors import ConfigError

SHOP = plan(
    "seed.codes",
    "stg < seed.codes",
    "left < stg",
    "right < stg",
    "test.unique_left < left",
    "test.both_sides < left right",
    "test.source_is_fresh < source.raw",
    left={"path": "models/marts/core/left.sql", "meta": {"owner": "finance"}, "description": "One row a thing."},
    selectors={"middle": [uid("stg")]},
    groups={"marts": [uid("left"), uid("right"), uid("test.unique_left"), uid("test.both_sides")]},
)


def group(*, dag: dict[str, Any] | None = None, **kwargs: Any) -> tuple[DAG, DbtModelGroup]:
    with DAG("d", schedule=None, **(dag or {})) as made:
        found = DbtModelGroup("g", **{"plan": SHOP, **kwargs})
    return made, found


def edges(made: DAG) -> dict[str, set[str]]:
    return {
        task.task_id.removeprefix("g."): {one.removeprefix("g.") for one in task.downstream_task_ids}
        for task in made.tasks
    }


def arguments(made: DAG, name: str) -> dict[str, Any]:
    return dict(made.get_task(f"g.{name}").start_trigger_args.trigger_kwargs)


def test_the_edges_are_dbts_between_a_start_and_an_end() -> None:
    made, _ = group()
    assert edges(made) == {
        "start": {"codes", "stg", "left", "right", "tests", "finish"},
        "pod": {"finish"},
        "codes": {"stg"},
        "stg": {"left", "right"},
        "left": {"assets", "finish"},
        "right": {"assets", "finish"},
        "tests": {"assets", "finish"},
        "assets": set(),
        "finish": set(),
    }


def test_what_waits_in_a_trigger_begins_with_the_pod() -> None:
    """Models that waited for their parents' states would lag behind the pod, and the end behind all."""
    made, _ = group()
    rules = {task.task_id.removeprefix("g."): task.trigger_rule.value for task in made.tasks}
    assert {rules[name] for name in ("codes", "stg", "left", "right", "tests", "finish")} == {"one_success"}
    assert rules["assets"] == "all_done"


def test_no_task_but_that_of_the_asset_events_takes_a_worker() -> None:
    made, _ = group()
    assert {task.task_id for task in made.tasks if not task.start_from_trigger} == {"g.start", "g.assets"}
    assert made.get_task("g.start").task_type == "EmptyOperator"  # Airflow ends these without one


def test_the_pod_builds_the_selection_and_tells_its_progress() -> None:
    made, _ = group(selector="middle", target="clinic", vars={"day": "{{ ds }}"}, full_refresh=True, env={"A": "b"})
    step = arguments(made, "pod")["step"]
    assert step == {"command": "build", "selector": "middle", "target": "clinic", "vars": {"day": "{{ ds }}"},
                    "full_refresh": True, "events": True, "plan_hash": SHOP.hash, "env": {"A": "b"}}  # fmt: skip
    alone = arguments(made, "stg")["step"]
    assert alone == {"target": "clinic", "vars": {"day": "{{ ds }}"}, "full_refresh": True, "env": {"A": "b"}}


def test_a_dbt_group_is_a_scope() -> None:
    made, _ = group(groups="marts")
    assert set(edges(made)) == {"start", "pod", "left", "right", "assets", "finish"}
    assert arguments(made, "pod")["step"]["select"] == ["group:marts"]
    assert made.get_task("g.right").owner == "marts-team"
    assert made.get_task("g.left").owner == "finance"  # its own meta comes first


def test_each_model_answers_for_its_tests() -> None:
    made, _ = group()
    places = {unique_id: index for index, unique_id in enumerate(sorted(SHOP.nodes))}
    found: dict[str, int] = {}
    for task in made.tasks:
        if isinstance(task, ModelTask):
            trigger = ModelTrigger(**arguments(made, task.label))
            found |= unpacked(trigger.at)
    assert found == {key_of(unique_id): index for unique_id, index in places.items()}


def test_what_a_models_tests_read_besides_is_waited_for_without_an_edge() -> None:
    made, _ = group()
    beside = {name: arguments(made, name).get("beside") for name in ("left", "right")}
    assert sorted(beside.values(), key=str) == [None, ["g.left"]] or sorted(beside.values(), key=str) == [
        None,
        ["g.right"],
    ]


def test_a_person_sees_whose_model_it_is() -> None:
    task = group()[0].get_task("g.left")
    assert task.owner == "finance"
    assert task.doc_md is not None
    assert "One row a thing." in task.doc_md
    assert "models/marts/core/left.sql" in task.doc_md


def test_retries_are_the_pods_and_the_models_alone() -> None:
    made, _ = group(retries=2)
    retries = {task.task_id.removeprefix("g."): task.retries for task in made.tasks}
    assert (retries["pod"], retries["left"], retries["finish"]) == (2, 2, 0)


def test_a_timeout_of_the_dag_is_the_pods_and_starts_no_worker_for_a_model() -> None:
    from datetime import timedelta

    made, _ = group(dag={"default_args": {"execution_timeout": timedelta(hours=1)}})
    assert made.get_task("g.left").execution_timeout is None


def test_folders_are_nested_groups() -> None:
    made, _ = group(folders=True)
    assert "g.marts.core.left" in made.task_ids
    assert "g.marts.right" in made.task_ids
    assert made.get_task("g.marts.core.left").upstream_task_ids == {"g.start", "g.marts.stg"}


def test_run_has_no_tests() -> None:
    made, _ = group(command="run")
    assert set(edges(made)) == {"start", "pod", "stg", "left", "right", "finish", "assets"}
    assert arguments(made, "left")["step"] == {"command": "run"}


def test_without_assets_there_is_no_worker_at_all() -> None:
    assert edges(group(assets=False)[0])["left"] == {"finish"}
    assert [outlet.name for outlet in group()[0].get_task("g.assets").outlets] == [ALIAS]


def test_two_groups_fit_into_one_dag() -> None:
    with DAG("d", schedule=None) as made:
        DbtModelGroup("one", plan=SHOP) >> DbtModelGroup("two", plan=SHOP)
    for last in ("one.finish", "one.assets"):
        assert "two.start" in made.get_task(last).downstream_task_ids


def test_what_travels_with_every_trigger_is_small() -> None:
    many = plan(
        *(f"m{n} < m{n - 1}" if n else "m0" for n in range(200)), *(f"test.t{n} < m{n // 4}" for n in range(800))
    )
    made, _ = group(plan=many)
    assert len(json.dumps(DagSerialization.to_dict(made))) / 200 < 1300


@pytest.mark.parametrize(
    ("size", "fields", "said"),
    [
        pytest.param(201, {}, "", id="large"),
        pytest.param(200, {"vars": {"day": "{{ ds }}"}}, "", id="with templates"),
        pytest.param(
            201, {"vars": {"day": "{{ ds }}"}}, r"more than 200 \(with templates in", id="large, with templates"
        ),
        pytest.param(201, {"vars": {"day": "{{ ds }}"}, "max_tasks": 300}, "", id="as asked"),
        pytest.param(1001, {}, "1001 model tasks, more than 1000. Split it", id="too large"),
    ],
)
def test_a_group_is_as_large_as_its_cost_is_known(
    monkeypatch: pytest.MonkeyPatch, size: int, fields: dict[str, Any], said: str
) -> None:
    monkeypatch.setattr(model_group, "STARTS_IN_TRIGGER", True)
    monkeypatch.setattr(DbtModelGroup, "_fill", lambda *_, **__: None)  # the tasks are not the subject, and many
    with pytest.raises(ConfigError, match=said) if said else nullcontext():
        group(plan=plan(*(f"m{number}" for number in range(size))), **fields)


def test_on_airflow_3_2_a_large_group_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_group, "STARTS_IN_TRIGGER", False)
    with pytest.raises(ConfigError, match=r"more than 200 \(on Airflow 3.2 each starts on a worker\)"):
        group(plan=plan(*(f"m{number}" for number in range(201))))


def test_a_models_trigger_is_told_whom_it_waits_for() -> None:
    made, _ = group()
    assert {name: arguments(made, name)["parents"] for name in ("codes", "stg", "left", "right")} == {
        "codes": [], "stg": ["g.codes"], "left": ["g.stg"], "right": ["g.stg"]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"command": "test"}, "command is 'test'. Give build or run", id="command"),
        pytest.param({"select": "left"}, "has no select: its tasks come from the image's plan", id="select"),
        pytest.param({"select": "left", "exclude": "stg"}, "has no exclude and no select", id="exclude"),
        pytest.param({"selector": "nightly"}, "no selector 'nightly'", id="selector"),
        pytest.param({"groups": ["sales"]}, "^The plan has no group 'sales'. It has marts.$", id="dbt group"),
        pytest.param({"groups": ["marts"], "tags": "x"}, "tags and groups stand beside each other", id="two scopes"),
        pytest.param(
            {"max_tasks": 3}, "4 model tasks, more than 3. Split it by selectors, tags or dbt groups", id="size"
        ),
        pytest.param({"settings": {"imgae": "x:1"}}, "imgae is not a known key", id="settings"),
        pytest.param({"plan": "/nowhere/plan.json"}, "Plan file '/nowhere/plan.json' cannot be read", id="plan file"),
        pytest.param({"plan": None}, "needs the project's plan", id="no plan"),
    ],
)
def test_a_mistake_is_refused_when_the_dag_is_parsed(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        group(**fields)


def test_an_asset_is_of_one_target() -> None:
    assert dbt_asset("p", "left", target="prod").uri == "dbt://p/prod/left"
    assert dbt_asset("p", "left", target="prod") != dbt_asset("p", "left", target="dev")
    assert isinstance(dbt_asset("p", "left", target="prod"), Asset)
