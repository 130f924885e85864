"""Names of a group's tasks and folders: whatever a project calls its models, Airflow takes the DAG."""

import asyncio
import json
import re
from typing import Any

import pytest
from airflow.sdk import DAG, TaskGroup, task_group
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.serialization.serialized_objects import DagSerialization
from airflow.triggers.base import TaskFailedEvent
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fake_airflow import FakeTask, FakeTaskInstance
from tests.support.plans import plan

from podbt.airflow import DbtModelGroup
from podbt.airflow.group.names import TAKEN, folder_names, labels
from podbt.airflow.group.place import members_of
from podbt.airflow.group.triggers import FinishTrigger
from podbt.contract.plan import Plan
from podbt.errors import ConfigError


def project(*paths: str) -> Plan:
    """A plan of models that lie at these paths."""
    names = [path.rpartition("/")[2].removesuffix(".sql") for path in paths]
    fields: dict[str, Any] = {name: {"path": path} for name, path in zip(names, paths, strict=True)}
    return plan(*names, **fields)


def made(found: Plan, **kwargs: Any) -> DAG:
    """The DAG as the dag-processor stores it, and Airflow reads it back."""
    with DAG("d", schedule=None) as dag:
        DbtModelGroup("dbt", plan=found, folders=True, **kwargs)
    DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    return dag


def models_of(dag: DAG, pod: str = "dbt.pod") -> set[str]:
    return set(members_of(dag, pod))


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        pytest.param(["models/assets/a.sql"], ["assets_2.a"], id="as a task of the group"),
        pytest.param(["models/start/a.sql", "models/pod/b.sql"], ["pod_2.b", "start_2.a"], id="as two of them"),
        pytest.param(["models/x/finish/a.sql"], ["x.finish.a"], id="further down that is no matter"),
        pytest.param(["models/v1.0/b.sql"], ["v1_0.b"], id="a dot"),
        pytest.param(["models/raw data/c.sql"], ["raw_data.c"], id="a space"),
        pytest.param(["models/orders.sql", "models/orders/d.sql"], ["orders", "orders_2.d"], id="as a model beside it"),
        pytest.param(["models/x/orders.sql", "models/orders/d.sql"], ["orders.d", "x.orders"], id="as one elsewhere"),
        pytest.param(["models/orders/orders.sql"], ["orders.orders"], id="as a model in it"),
        pytest.param(["models/a b/c.sql", "models/a_b/d.sql"], ["a_b.c", "a_b_2.d"], id="two that come out alike"),
        pytest.param(["models/a b/c/e.sql", "models/a_b/c/d.sql"], ["a_b.c.e", "a_b_2.c.d"], id="and what is in them"),
        pytest.param(["models/größe/a.sql"], ["größe.a"], id="letters of other languages"),
        pytest.param(["models/upstream_join_id/a.sql"], ["upstream_join_id_2.a"], id="as Airflow's own names"),
        pytest.param(["models/Marts/a.sql", "models/marts/b.sql"], ["Marts.a", "marts.b"], id="capitals"),
    ],
)
def test_a_folder_may_have_any_name(paths: list[str], expected: list[str]) -> None:
    assert sorted(one.removeprefix("dbt.") for one in models_of(made(project(*paths)))) == expected


def test_a_person_sees_the_folders_own_name() -> None:
    found = made(project("models/raw data/v1.0/c.sql")).task_group.get_task_group_dict()
    assert found["dbt.raw_data"].label == "raw data"
    assert found["dbt.raw_data.v1_0"].label == "v1.0"


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        pytest.param(["a.orders", "b.orders"], {"model_a_orders", "model_b_orders"}, id="two packages"),
        pytest.param(["a.orders.v1", "a.orders.v2"], {"orders_v1", "orders_v2"}, id="versions"),
        pytest.param(["a.Orders", "a.orders"], {"Orders", "orders"}, id="capitals"),
        pytest.param(["a.raw data"], {"raw_data"}, id="a space"),
        pytest.param(["a.start"], {"model_a_start"}, id="as a task of the group"),
    ],
)
def test_a_model_may_have_any_name(nodes: list[str], expected: set[str]) -> None:
    names = {f"model.{node}": node.partition(".")[2] for node in nodes}
    assert set(labels(names).values()) == expected


def test_a_version_may_read_like_another_model() -> None:
    names = {"model.a.orders.v2": "orders.v2", "model.a.orders_v2": "orders_v2"}
    found = labels(names)
    assert len(set(found.values())) == 2
    assert all(label.startswith("model_a_orders_v2_") for label in found.values())


words = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="/"), min_size=1, max_size=6)
words |= st.sampled_from([*sorted(TAKEN), "a", "a b", "a_b", "a.b", "a-b", "a_b_2", "model_p_a"])
FIT = re.compile(r"[\w-]+")


@given(st.dictionaries(st.builds("model.{}.{}".format, st.sampled_from("pq"), words), st.none(), min_size=1))
def test_labels_are_fit_and_unique(nodes: dict[str, None]) -> None:
    found = labels({key: key.split(".", 2)[2] for key in nodes})
    assert set(found) == set(nodes)
    assert len(set(found.values())) == len(found)
    assert all(FIT.fullmatch(label) for label in found.values())
    assert not TAKEN & set(found.values())


@given(st.lists(st.tuples(st.lists(words, max_size=3).map(tuple), st.sampled_from(["a", "b", "c"]))), st.booleans())
def test_folders_are_fit_and_unique(tasks: list[tuple[tuple[str, ...], str]], prefixed: bool) -> None:
    found = folder_names(tasks, prefixed=prefixed, taken={"z"})
    assert all(FIT.fullmatch(name) for name in found.values())

    def name_of(folder: tuple[str, ...], name: str) -> str:
        above = [found[folder[:depth]] for depth in range(1, len(folder) + 1)]
        return ".".join([*(above if prefixed else ()), name])

    groups = [name_of(folder[:-1], name) for folder, name in found.items()]
    assert len(set(groups)) == len(groups)
    assert not set(groups) & {*TAKEN, "z", *(name_of(folder, name) for folder, name in tasks)}


MIXED = project("models/orders.sql", "models/orders/d.sql", "models/assets/a.sql", "models/b.sql")


@pytest.mark.parametrize("folders", [False, True])
def test_without_a_prefix_the_ids_are_the_names_alone(*, folders: bool) -> None:
    with DAG("d", schedule=None) as dag, TaskGroup("outer"):
        DbtModelGroup("dbt", plan=MIXED, folders=folders, prefix_group_id=False)
    assert set(dag.task_ids) == {"start", "pod", "orders", "d", "a", "b", "assets", "finish"}
    assert models_of(dag, "pod") == {"orders", "d", "a", "b"}
    stored = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    assert set(members_of(stored, "pod")) == {"orders", "d", "a", "b"}
    if folders:
        assert {"orders_2", "assets_2"} <= set(dag.task_group.get_task_group_dict())


def test_a_group_in_groups_keeps_its_prefix() -> None:
    with DAG("d", schedule=None) as dag, TaskGroup("outer"), TaskGroup("inner"):
        DbtModelGroup("dbt", plan=MIXED)
    assert models_of(dag, "outer.inner.dbt.pod") == {f"outer.inner.dbt.{name}" for name in ("orders", "d", "a", "b")}


def test_two_groups_of_a_dag_do_not_take_each_others_tasks() -> None:
    with DAG("d", schedule=None) as dag:
        DbtModelGroup("dbt", plan=MIXED)
        DbtModelGroup("dbt_x", plan=plan("x"), prefix_group_id=False)
    assert models_of(dag, "pod") == {"x"}
    assert models_of(dag) == {f"dbt.{name}" for name in ("orders", "d", "a", "b")}


def test_a_mapped_task_group_holds_none() -> None:
    with DAG("d", schedule=None):

        @task_group  # type: ignore[untyped-decorator]  # Airflow's types are not followed
        def each(target: str) -> None:
            DbtModelGroup("dbt", plan=MIXED)

        with pytest.raises(ConfigError, match="lies in a mapped task group"):
            each.expand(target=["a", "b"])


def test_the_end_of_a_group_without_a_prefix_sees_its_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """A green end over a failed model was possible: it looked for tasks whose ids begin with a dot."""
    dag = made(MIXED, prefix_group_id=False)
    states = dict.fromkeys(dag.task_ids, "success") | {"orders": "failed", "finish": "deferred"}
    monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", lambda **_: {"r": states})
    trigger: Any = FinishTrigger("pod")
    trigger.task_instance = FakeTaskInstance("finish", FakeTask(dag=dag))

    async def first() -> Any:
        return await asyncio.wait_for(anext(aiter(trigger.run())), 10)

    event = asyncio.run(first())
    assert isinstance(event, TaskFailedEvent)
    assert (event.xcoms or {})["return_value"]["failed"] == ["orders"]
