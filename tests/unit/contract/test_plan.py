"""The plan file as Airflow loads it: whole, of this schema, and read again when it changes."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from podbt.contract.kinds import ResourceType as Kind
from podbt.contract.plan import Plan, PlanGroup, PlanNode, PlanSelector, PlanSource, load_plan
from podbt.contract.plan_file import SCHEMA_VERSION, PlanFile
from podbt.contract.plan_nodes import PlanContent
from podbt.errors import ConfigError


def plan(*names: str) -> Plan:
    nodes = {f"model.p.{name}": PlanNode(name=name, resource_type=Kind.MODEL, path=f"{name}.sql") for name in names}
    return Plan.seal(project="p", dbt_version="1.11.0", nodes=nodes, sources={}, selectors={})


def write(file: Path, content: Plan, **changes: Any) -> Path:
    file.write_text(json.dumps(json.loads(content.to_json()) | changes))
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
        pytest.param({"schema_version": 4}, "schema version 4, and this podbt reads 3", id="newer"),
        pytest.param({"schema_version": 2}, "schema version 2, and this podbt reads 3", id="older"),
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


def test_the_schema_version_is_the_files_own() -> None:
    assert PlanFile.model_fields["schema_version"].default == SCHEMA_VERSION
    assert json.loads(plan().to_json())["schema_version"] == SCHEMA_VERSION


def test_an_owner_is_the_nodes_own_else_its_groups_and_a_tests_that_of_what_it_reads() -> None:
    nodes = {
        "model.p.own": PlanNode(name="own", resource_type=Kind.MODEL, path="x", meta={"owner": "me"}),
        "model.p.ours": PlanNode(name="ours", resource_type=Kind.MODEL, path="x"),
        "model.p.nobodys": PlanNode(name="nobodys", resource_type=Kind.MODEL, path="x"),
        "test.p.t": PlanNode(
            name="t", resource_type=Kind.TEST, path="x", depends_on=["model.p.nobodys", "model.p.ours"]
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


def everything() -> dict[str, Any]:
    """Nodes whose names their ids tell, and nodes whose ids do not; things that refer to what no plan has."""
    node: dict[str, Any] = {"path": "models/a.yml"}
    return {
        "nodes": {
            "model.p.a": PlanNode(
                name="a", resource_type=Kind.MODEL, tags=["daily", "x"], materialized="table",
                depends_on=["source.p.raw.t"], meta={"owner": "me", "podbt": {"resources": {}}},
                description="Words.", **node,
            ),
            "model.p.a.v2": PlanNode(name="a", resource_type=Kind.MODEL, materialized="view", **node),
            "model.q.with.dots": PlanNode(
                name="with.dots", resource_type=Kind.MODEL, depends_on=["model.p.a.v2"], **node
            ),
            "test.p.unique_a_id.0a1b2c3d4e": PlanNode(
                name="unique_a_id", resource_type=Kind.TEST, materialized="test", depends_on=["model.p.a"], **node
            ),
            "test.p.singular": PlanNode(
                name="singular", resource_type=Kind.TEST, depends_on=["exposure.p.board"], **node
            ),
            "unit_test.p.a.adds_up": PlanNode(
                name="adds_up", resource_type=Kind.UNIT_TEST, depends_on=["model.p.a"], **node
            ),
            "function.p.cents": PlanNode(name="cents", resource_type=Kind.FUNCTION, tags=["x", "daily"], **node),
            "seed.p.codes": PlanNode(name="codes", resource_type=Kind.SEED, path="seeds/codes.csv"),
        },
        "sources": {
            "source.p.raw.t": PlanSource(name="t", source_name="raw", has_freshness=True),
            "source.q.raw.u": PlanSource(name="u", source_name="raw"),
        },
        "selectors": {
            "all": PlanSelector(description="All.", nodes=["function.p.cents", "model.p.a", "model.p.a.v2"]),
            "none": PlanSelector(nodes=[]),
            "changed": PlanSelector(nodes=["model.q.with.dots", "metric.p.gone"], asks=["result", "state"]),
        },
        "groups": {"desk": PlanGroup(owner="us", nodes=["model.p.a", "test.p.singular"]), "bare": PlanGroup(nodes=[])},
        "default_selector": "all",
    }  # fmt: skip


def test_the_file_holds_all_of_a_plan() -> None:
    other = PlanContent(**{**everything(), "groups": {}, "default_selector": None, "targets": ("ci", "dev")})
    made = Plan.seal(project="p", dbt_version="1", **everything(), targets=("prod",), others=(other,))
    read = Plan.parse_json(made.to_json(), source="plan")
    assert read == made
    assert read.hash == read.computed_hash()
    assert Plan.seal(project="p", dbt_version="1", **everything()).hash != made.hash


def test_the_order_of_a_plans_parts_is_no_part_of_it() -> None:
    content = everything()
    turned = {key: dict(reversed(one.items())) if isinstance(one, dict) else one for key, one in content.items()}
    made = Plan.seal(project="p", dbt_version="1", **content)
    assert Plan.seal(project="p", dbt_version="1", **turned).to_json() == made.to_json()


def test_a_large_plan_is_a_small_file() -> None:
    """Of what the project of bench/large.py makes, which took 1,350 bytes a node with each text written out."""
    nodes: dict[str, PlanNode] = {}
    for number in range(1000):
        name = f"stg_appointments__part_{number:03}_by_practice_and_day"
        path = f"models/staging/appointments/{name}.sql"
        nodes[f"model.p.{name}"] = PlanNode(
            name=name, resource_type=Kind.MODEL, path=path, tags=["appointments", "daily"]
        )
        for column in ("id", "patient", "visit", "note"):
            test = f"not_null_{name}_{column}"
            nodes[f"test.p.{test}.{number:010}"] = PlanNode(
                name=test, resource_type=Kind.TEST, path="models/_models.yml", depends_on=[f"model.p.{name}"]
            )
    selectors = {f"s{i}": PlanSelector(nodes=sorted(nodes)[i : 2000 + i * 100]) for i in range(28)}
    made = Plan.seal(project="p", dbt_version="1", nodes=nodes, sources={}, selectors=selectors)
    assert len(made.to_json()) < 150 * len(nodes)


def test_a_target_may_have_other_nodes() -> None:
    both, ci = plan("a", "b"), plan("b", "only_ci")
    content = PlanContent(nodes=ci.nodes, sources={}, selectors={}, targets=("ci",))
    made = Plan.seal(
        project="p", dbt_version="1", nodes=both.nodes, sources={}, selectors={}, targets=("prod",), others=(content,)
    )
    assert set(made.on("ci").nodes) == {"model.p.b", "model.p.only_ci"}
    for target in ("prod", "unknown", None):
        assert made.on(target) is made
    assert set(made.on("ci").on("prod").nodes) == set(both.nodes)
    assert made.on("ci").hash == made.hash
    for one in (made, made.on("ci"), made.on("ci").on("prod")):
        assert one.unique_ids == ["model.p.a", "model.p.b", "model.p.only_ci"]


def test_an_owner_is_known_of_a_node_that_one_target_has() -> None:
    mine = PlanNode(name="c", resource_type=Kind.MODEL, path="c.sql", meta={"owner": "me"})
    other = PlanContent(nodes={"model.p.c": mine}, sources={}, selectors={}, targets=("ci",))
    made = Plan.seal(project="p", dbt_version="1", nodes=plan("a").nodes, sources={}, selectors={}, others=(other,))
    assert made.owner_of("model.p.c") == "me"
    assert made.owner_of("model.p.a") is None
