"""The plan file as Airflow loads it: whole, of this schema, and read again when it changes."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from podbt.contract import plan as module
from podbt.contract.kinds import ResourceType
from podbt.contract.plan import Plan, PlanGroup, PlanNode, load_plan
from podbt.errors import ConfigError


def plan(*names: str) -> Plan:
    nodes = {
        f"model.p.{name}": PlanNode(name=name, resource_type=ResourceType.MODEL, path=f"{name}.sql") for name in names
    }
    return Plan.seal(project="p", dbt_version="1.11.0", nodes=nodes, sources={}, selectors={})


def write(file: Path, content: Plan, **changes: Any) -> Path:
    file.write_text(json.dumps(content.model_dump(mode="json", exclude_none=True) | changes))
    return file


def test_a_plan_is_read_once_and_again_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "plan.json", plan("a"))
    first = load_plan(file)
    assert first == plan("a")
    assert load_plan(str(file)) is first
    write(file, plan("a", "b"))
    os.utime(file, ns=(1, 1))
    assert set(load_plan(file).nodes) == {"model.p.a", "model.p.b"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"project": "q"}, "was changed after it was written", id="edited"),
        pytest.param({"hash": "0" * 64}, "was changed after it was written", id="another hash"),
        pytest.param({"schema_version": 3}, "schema version 3, and this podbt reads 2", id="newer"),
        pytest.param({"schema_version": 1}, "schema version 1, and this podbt reads 2", id="older"),
        pytest.param({"surprise": 1}, "surprise: is not a known key", id="unknown key"),
    ],
)
def test_a_plan_that_is_not_what_it_says_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        load_plan(write(tmp_path / "plan.json", plan("a"), **changes))
    assert str(tmp_path / "plan.json") in str(error.value)


@pytest.mark.parametrize("text", ["", "[1]", "{"], ids=["empty", "a list", "cut"])
def test_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(ConfigError, match=r"no JSON|schema version None"):
        load_plan(tmp_path / "plan.json")


def test_a_missing_plan_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Copy plan\.json out of the dbt image"):
        load_plan(tmp_path / "none.json")


def test_the_schema_version_is_the_models_own() -> None:
    assert plan().schema_version == module.SCHEMA_VERSION


def test_an_owner_is_the_nodes_own_else_its_groups_and_a_tests_that_of_what_it_reads() -> None:
    nodes = {
        "model.p.own": PlanNode(name="own", resource_type=ResourceType.MODEL, path="x", meta={"owner": "me"}),
        "model.p.ours": PlanNode(name="ours", resource_type=ResourceType.MODEL, path="x"),
        "model.p.nobodys": PlanNode(name="nobodys", resource_type=ResourceType.MODEL, path="x"),
        "test.p.t": PlanNode(
            name="t", resource_type=ResourceType.TEST, path="x", depends_on=["model.p.nobodys", "model.p.ours"]
        ),
    }
    groups = {
        "silent": PlanGroup(nodes=["model.p.nobodys", "test.p.t"]),
        "team": PlanGroup(owner="us", nodes=["model.p.own", "model.p.ours", "test.p.t"]),
    }
    made = Plan.seal(project="p", dbt_version="1", nodes=nodes, sources={}, selectors={}, groups=groups)
    owners = {name: made.owner_of(name) for name in (*nodes, "model.p.gone")}
    assert owners == {
        "model.p.own": "me",
        "model.p.ours": "us",
        "model.p.nobodys": None,
        "test.p.t": "us",
        "model.p.gone": None,
    }
