"""What another task returns, as an argument of a step: dbt gets the value, and never another one in silence."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import yaml
from airflow.sdk import DAG, task, task_group
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred
from airflow.sdk.execution_time.lazy_sequence import LazyXComSequence
from airflow.serialization.serialized_objects import DagSerialization
from tests.support.operators import FakeTaskInstance
from tests.support.settings import DOCKER

from podbt.airflow import DbtModelGroup, DbtOperator, DbtPodOperator
from podbt.airflow.resolve import resolve
from podbt.contract.step import Step
from podbt.errors import ConfigError


class Answers(FakeTaskInstance):
    """A task instance whose upstream task `other` returned something."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value

    def xcom_pull(self, task_ids: str, **_: Any) -> Any:
        assert task_ids == "other"
        return self.value


def deferred(made: Callable[[Any], DbtOperator], value: Any) -> dict[str, Any]:
    """What a step that takes a value of another task gives its trigger, as Airflow's worker gets there."""
    with DAG("d", schedule=None) as dag:

        @task
        def other() -> None: ...

        tested = made(other())
    assert tested.upstream_task_ids == {"other"}
    assert tested.start_from_trigger is False  # a trigger could not resolve it
    text = json.dumps(DagSerialization.to_dict(dag))
    assert DagSerialization.from_dict(json.loads(text)).get_task("t").start_trigger_args is None
    context: Any = {"ti": Answers(value)}
    tested.render_template_fields(context)
    with pytest.raises(TaskDeferred) as raised:
        tested.execute(context)
    path, arguments = raised.value.trigger.serialize()
    assert path == "podbt.airflow.trigger.DbtPodTrigger"
    assert arguments["identity"]["task_id"] == "t"
    return dict(json.loads(json.dumps(arguments)))  # it is plain data


@pytest.mark.parametrize("kind", [DbtOperator, DbtPodOperator])
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("select", ["orders", "customers"], ["--select", "orders", "customers"]),
        ("select", "orders tag:daily", ["--select", "orders", "tag:daily"]),
        ("exclude", ["orders"], ["--exclude", "orders"]),
        ("exclude", [], []),
        ("selector", "nightly", ["--selector", "nightly"]),
        ("vars", {"day": "2026-01-01", "days": [1, 2]}, ["--vars", '{"day": "2026-01-01", "days": [1, 2]}']),
        ("vars", {}, []),
        ("env", {"A": "b"}, []),
        ("target", "review", ["--target", "review"]),
        ("flags", ["--fail-fast"], ["--fail-fast"]),
        ("full_refresh", True, ["--full-refresh"]),
        ("full_refresh", False, []),
    ],
)
def test_a_field_is_what_the_other_task_returns(
    kind: type[DbtOperator], name: str, value: Any, words: list[str]
) -> None:
    arguments = deferred(lambda other: kind(task_id="t", **{name: other}), value)
    settings, step = resolve(arguments["step"], arguments["overrides"])
    given = step.arguments(settings.target)
    assert given[1:] == words if name == "target" else given == ["build", "--target", "prod", *words]


def test_so_is_a_part_of_a_field() -> None:
    arguments = deferred(
        lambda other: DbtOperator(task_id="t", vars={"day": other, "of": {"all": [other]}}, select=["tag:a", other]),
        "2026-01-01",
    )
    assert arguments["step"]["vars"] == {"day": "2026-01-01", "of": {"all": ["2026-01-01"]}}
    assert arguments["step"]["select"] == ["tag:a", "2026-01-01"]


def test_a_list_in_a_list_of_names_is_its_names() -> None:
    arguments = deferred(lambda other: DbtOperator(task_id="t", select=["a", other], flags=[other]), ["b", "c"])
    assert arguments["step"]["select"] == ["a", "b", "c"]
    assert arguments["step"]["flags"] == ["b", "c"]


@pytest.mark.parametrize("whole", [False, True])
def test_so_are_settings(*, whole: bool) -> None:
    memory = {"resources": {"limits": {"memory": "3Gi"}}}

    def made(other: Any) -> DbtOperator:
        given = other if whole else {"resources": other}
        return DbtOperator(task_id="t", settings=given, execution_timeout=timedelta(hours=1))

    arguments = deferred(made, memory if whole else memory["resources"])
    settings, _ = resolve(arguments["step"], arguments["overrides"])
    assert settings.run_timeout_seconds == 3600
    assert settings.resources.limits.memory == "3Gi"  # type: ignore[union-attr]  # they are Kubernetes'


def test_values_of_a_mapped_task_are_a_list() -> None:
    """They come as a lazy sequence, which no trigger could be given."""

    class Lazy(LazyXComSequence[str]):  # type: ignore[misc]  # Airflow's types are not followed
        def __init__(self) -> None: ...
        def __len__(self) -> int:
            return 2

        def __iter__(self) -> Any:
            return iter(["a", "b"])

    arguments = deferred(lambda other: DbtOperator(task_id="t", select=other, vars={"names": other}), Lazy())
    assert arguments["step"]["select"] == arguments["step"]["vars"]["names"] == ["a", "b"]


def executed(value: Any, **fields: Any) -> None:
    with DAG("d", schedule=None):

        @task
        def other() -> None: ...

        tested = DbtOperator(task_id="t", **{name: other() if one is ... else one for name, one in fields.items()})
    context: Any = {"ti": Answers(value)}
    tested.render_template_fields(context)
    tested.execute(context)


@pytest.mark.parametrize("name", ["select", "selector", "vars", "target", "exclude", "full_refresh", "state"])
def test_nothing_returned_is_no_value(name: str) -> None:
    """Without the field the step would be another one: select left out means the whole project."""
    with pytest.raises(AirflowFailException, match=f"{name} is what another task returns, and that task returned noth"):
        executed(None, **{name: ...})


@pytest.mark.parametrize("name", ["selector", "target", "state"])
def test_an_empty_text_is_none_either(name: str) -> None:
    with pytest.raises(AirflowFailException, match=f"{name} is what another task returns"):
        executed("", **{name: ...})


@pytest.mark.parametrize("value", [[], "", [""], [None]])
def test_no_names_select_nothing(value: Any) -> None:
    with pytest.raises(AirflowFailException, match="so nothing would run"):
        executed(value, select=..., deferrable=False)
    with pytest.raises(AirflowSkipException, match="nothing to do"):
        executed(value, select=..., allow_empty=True, deferrable=False)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("vars", "2026", "vars is not a mapping"), ("select", [1], "1 is no text"), ("settings", {"imgae": "x"}, "imgae")],
)
def test_a_value_of_the_wrong_kind_is_refused(name: str, value: Any, said: str) -> None:
    with pytest.raises(AirflowFailException, match=said):
        executed(value, **{name: ..., "deferrable": False})


def test_an_empty_list_is_refused_when_the_dag_is_parsed() -> None:
    with pytest.raises(ConfigError, match="leave select out for the whole project"):
        DbtOperator(task_id="t", select=[])
    assert DbtOperator(task_id="t", select=[], allow_empty=True).step["select"] == []
    assert "select" not in DbtOperator(task_id="t").step
    assert "select" not in DbtOperator(task_id="t", select="").step  # a form's field that nobody filled in


def test_elsewhere_it_runs_on_the_worker_that_knows_it(settings_file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings_file.write_text(yaml.safe_dump(DOCKER))
    steps: list[Step] = []

    def run_of(_: Any, step: Step, *__: Any) -> Any:
        steps.append(step)
        raise ConfigError("enough")

    monkeypatch.setattr("podbt.airflow.worker.run_of", run_of)
    with pytest.raises(AirflowFailException, match="enough"):
        executed({"day": 1}, vars=...)
    assert steps[0].vars == {"day": 1}


def test_a_template_in_the_settings_is_rendered() -> None:
    tested = DbtOperator(task_id="t", settings={"resources": {"limits": {"memory": "{{ params.memory }}"}}})
    assert tested.start_from_trigger is True  # where the trigger renders it
    tested.render_template_fields({"params": {"memory": "3Gi"}})
    assert tested.overrides == {"resources": {"limits": {"memory": "3Gi"}}}


def test_the_name_of_a_file_is_no_template() -> None:
    tested = DbtPodOperator(task_id="t", select="path:models/schema.yml")
    tested.render_template_fields({})
    assert tested.step["select"] == "path:models/schema.yml"


@pytest.mark.parametrize("name", ["vars", "target", "flags", "full_refresh", "settings", "selector", "tags"])
def test_a_model_group_says_how_it_takes_one(name: str) -> None:
    """Its tasks are laid out when the DAG is parsed, and start without a worker."""
    with DAG("d", schedule=None):

        @task
        def other() -> None: ...

        value: Any = {"day": other()} if name == "vars" else other()
        with pytest.raises(ConfigError, match=r"write \{\{ ti\.xcom_pull\(task_ids='other'\) \}\}"):
            DbtModelGroup("g", **{name: value})


TENANTS = ["tag:north", "tag:south"]


def test_a_mapped_step_is_one_run_for_each_value() -> None:
    with DAG("d", schedule=None) as dag:
        each: Any = DbtOperator.partial(task_id="t", command="build", allow_empty=True).expand(select=TENANTS)
    assert isinstance(each, MappedOperator)
    DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    for tenant in TENANTS:
        with pytest.raises(TaskDeferred) as raised:
            each.unmap({"select": tenant}).execute({"ti": FakeTaskInstance()})
        assert raised.value.trigger.step == {"command": "build", "select": tenant, "allow_empty": True}


def test_a_mapped_step_with_no_names_is_not_the_whole_project() -> None:
    with DAG("d", schedule=None):
        each: Any = DbtOperator.partial(task_id="t", deferrable=False, allow_empty=True).expand(select=[["a"], []])
    with pytest.raises(AirflowSkipException):
        each.unmap({"select": []}).execute({"ti": FakeTaskInstance()})


def test_a_value_of_a_mapped_task_is_rendered_no_second_time() -> None:
    """What another task returned is data, whatever it looks like."""
    with DAG("d", schedule=None):

        @task
        def other() -> list[dict[str, str]]: ...  # type: ignore[empty-body]  # it never runs

        each: Any = DbtOperator.partial(task_id="t").expand(vars=other())
    returned = {"day": "{{ conn.warehouse.password }}"}
    unmapped = each.unmap({"vars": returned})
    unmapped._do_render_template_fields(unmapped, ("step",), {}, unmapped.get_template_env(), {id(returned)})
    assert unmapped.step["vars"] == returned


def test_the_argument_of_a_mapped_task_group_is_known_in_a_run_alone() -> None:
    made: list[DbtOperator] = []
    with DAG("d", schedule=None) as dag:

        @task_group  # type: ignore[untyped-decorator]  # as above
        def tenant(name: str) -> None:
            made.append(DbtOperator(task_id="t", select=name))

        tenant.expand(name=TENANTS)
    (tested,) = made
    assert tested.start_from_trigger is False
    json.dumps(DagSerialization.to_dict(dag))
    assert tested.doc_md is None
