"""The choices: what they look like from outside does not change, and nobody types them anew."""

import ast
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.releases import RELEASE

from podbt.contract import kinds
from podbt.contract.events import Mark, NodeEvent, encode
from podbt.contract.exits import ExitReason
from podbt.contract.journal import settle
from podbt.contract.plan import Plan, PlanNode
from podbt.contract.record import NodeRecord, Summary, to_json
from podbt.contract.settings.load import parse_settings
from podbt.errors import ConfigError

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "helm/podbt/values.schema.json").read_text())
ENUMS = {name: kind for name, kind in vars(kinds).items() if isinstance(kind, type) and issubclass(kind, StrEnum)}
ENUMS.pop("StrEnum")


def test_members_are_told_apart() -> None:
    assert len(ENUMS) >= 11
    for kind in ENUMS.values():
        assert all(member == member.value == str(member) for member in kind)


def test_a_plan_of_one_content_has_one_hash_in_every_release_of_its_schema() -> None:
    plan = Plan.seal(
        project="p",
        dbt_version="1.11.0",
        nodes={"model.p.a": PlanNode(name="a", resource_type=kinds.ResourceType.MODEL, path="models/a.sql")},
        sources={},
        selectors={},
    )
    assert list(json.loads(plan.to_json())["views"][0]["ids"]) == ["model.p"]
    assert plan.hash == "3240bfc4218f1326d62011610dc78944cd84a1fbafebddf7872fe8fb85e28bd7"


@pytest.mark.parametrize("kind", sorted(set(kinds.ResourceType)))
def test_a_plan_holds_what_a_command_runs(kind: str) -> None:
    data: dict[str, Any] = {"name": "a", "resource_type": kind, "path": "x"}
    if kind == "source":
        with pytest.raises(ConfigError, match="resource_type"):
            PlanNode(**data)
    else:
        assert PlanNode(**data).resource_type == kind


def test_records_and_events_are_written_as_before() -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    node = NodeRecord(
        unique_id="model.p.a", name="a", resource_type="model", status=kinds.NodeStatus.STARTED, seconds=1
    )
    (settled,) = settle([node])
    assert json.dumps([to_json(node)["status"], to_json(settled)["status"]]) == '["started", "interrupted"]'
    summary = Summary(status=kinds.RunStatus.FAILED, exit_reason=ExitReason.LOST, error="gone")
    assert summary.to_termination_message() == (
        '{"status":"failed","exit_reason":"lost","error":"gone","counts":{},"failures":[],"seconds":0.0}'
    )
    assert encode(NodeEvent.of("model.p.a", kinds.NodeStatus.STARTED, at=at)) == (
        '::podbt {"k":"node","n":"model.p.a","s":"started","at":"2026-01-02T00:00:00Z"}'
    )


SETTINGS: dict[str, dict[str, Any]] = {
    "kubernetes": {
        "image": "dbt:1", "target": "prod", "namespace": "dbt", "service_account": "dbt",
        "profiles_secret": {"name": "profiles"}, "artifacts": {"claim": "artifacts"}, "image_pull_policy": "Always",
        "tolerations": [{"key": "k", "operator": "Equal", "effect": "NoExecute"}],
    },
    "docker": {
        "runtime": "docker", "image": "dbt:1", "target": "prod", "profiles": {"volume": "profiles"},
        "artifacts": {"volume": "artifacts"}, "image_pull_policy": "Never",
    },
    "local": {
        "runtime": "local", "target": "prod", "python": "/venv/bin/python", "project": "/dbt",
        "profiles": {"folder": "/profiles"}, "artifacts": {"folder": "/artifacts"},
    },
}  # fmt: skip


@pytest.mark.parametrize("runtime", SETTINGS)
def test_settings_are_read_and_written_as_before(runtime: str) -> None:
    settings = parse_settings(SETTINGS[runtime], source="x")
    written = json.loads(settings.model_dump_json())
    assert written["runtime"] == runtime
    assert parse_settings(written, source="x") == settings
    given = {key: value for key, value in SETTINGS[runtime].items() if key in {"image_pull_policy", "tolerations"}}
    for key, value in given.items():
        assert json.dumps(settings.model_dump(mode="json", exclude_none=True)[key]) == json.dumps(value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("image_pull_policy", "Sometimes"),
        ("image_pull_policy", "always"),
        ("tolerations", [{"operator": "Like"}]),
        ("tolerations", [{"effect": "noschedule"}]),
    ],
)
def test_what_is_no_choice_is_refused(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"^x: {key}.*Input should be '"):
        parse_settings(SETTINGS["kubernetes"] | {key: value}, source="x")


def enums_of(schema: Any) -> Iterator[list[str]]:
    if isinstance(schema, dict):
        if isinstance(found := schema.get("enum"), list):
            yield found
        for value in schema.values():
            yield from enums_of(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from enums_of(value)


def test_the_chart_offers_the_same_choices() -> None:
    repeated = [set(found) for found in enums_of(SCHEMA)]
    for name in ("PullPolicy", "TolerationOperator", "TaintEffect"):
        assert set(ENUMS[name]) in repeated, name
    for found in repeated:
        for kind in ENUMS.values():
            assert len(found & set(kind)) < 2 or found == set(kind), (found, kind)


def texts(node: ast.AST) -> set[str]:
    return {
        one.value for one in ast.iter_child_nodes(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }


def retyped(tree: ast.AST) -> Iterator[tuple[int, set[str]]]:
    """Sets, lists, tuples, keys of dicts and Literals in which two members of one choice are typed out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Set | ast.List | ast.Tuple):
            found = texts(node)
        elif isinstance(node, ast.Dict):
            found = {key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
        else:
            continue
        for kind in ENUMS.values():
            if len(found & set(kind)) >= 2:
                yield node.lineno, found & set(kind)


# Words of another choice that happen to be the same.
AIRFLOWS_STATES = {"success", "failed", "skipped"}
LEVELS_OF_DBTS_EVENTS = {"warn", "error"}


def test_nobody_types_a_choice_anew() -> None:
    files = [file for file in (ROOT / "src/podbt").rglob("*.py") if file.name != "kinds.py"]
    assert len(files) > 50
    found = [
        (str(file.relative_to(ROOT)), line, words)
        for file in files
        for line, words in retyped(ast.parse(file.read_text()))
        if not ("airflow" in file.parts and words <= AIRFLOWS_STATES)
        if not (file.name == "console.py" and words <= LEVELS_OF_DBTS_EVENTS)
    ]
    assert found == []


def test_the_scan_finds_what_it_is_to_find() -> None:
    for text in ('{"model", "seed"}', '("gate", "exclude")', 'Literal["docker", "local"]', '{"fail": 1, "full": 2}'):
        assert list(retyped(ast.parse(text))), text
    assert not list(retyped(ast.parse('{"select", "exclude"}')))


@given(status=st.sampled_from(sorted(set(kinds.NodeStatus))))
def test_a_status_is_done_failed_or_neither_and_its_mark_agrees(status: str) -> None:
    assert not (status in kinds.DONE_STATUSES and status in kinds.FAILED_STATUSES)
    if status in kinds.FAILED_STATUSES | {"interrupted"}:
        assert Mark.of(status) in {Mark.ERROR, Mark.FAIL}
    if status in kinds.DONE_STATUSES:
        assert Mark.of(status) in {Mark.SUCCESS, Mark.PASS, Mark.WARN, Mark.NO_OP}


def test_the_choices_are_dbts() -> None:
    """A release of dbt that adds a status, or something that `dbt build` builds, is met here and not at night."""
    from dbt.artifacts.schemas import results
    from dbt.node_types import NodeType
    from dbt.task.build import BuildTask

    for dbts in (results.NodeStatus, results.FreshnessStatus):
        assert {status.value for status in dbts} <= set(kinds.NodeStatus)
    assert {status.value for status in results.FreshnessStatus} == kinds.FRESHNESS_STATUSES
    newer: set[str] = {kinds.ResourceType.FUNCTION} if RELEASE < (1, 11) else set()
    assert {kind.value for kind in BuildTask.RUNNER_MAP} - {"saved_query", "exposure"} == set[str](
        kinds.RUNNABLE
    ) - newer
    assert set(kinds.ResourceType) <= {kind.value for kind in NodeType} | newer
    assert {status.value for status in BuildTask.MARK_DEPENDENT_ERRORS_STATUSES} & kinds.DONE_STATUSES == set()
