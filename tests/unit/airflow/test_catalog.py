"""What Airflow reads out of the plan."""

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from podbt.airflow import DbtOperator
from podbt.airflow.catalog import lineage, page_of, selector_names
from podbt.airflow.resolve import fit, pod_settings
from podbt.contract.kinds import ResourceType
from podbt.contract.plan import Plan, PlanGroup, PlanNode, PlanSelector, PlanSource
from podbt.contract.settings.kubernetes import Settings
from podbt.contract.step import Step


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    meta = {"podbt": {"resources": {"limits": {"memory": "16Gi"}}}}
    plan = Plan.seal(
        project="p",
        dbt_version="1",
        nodes={
            "model.p.base": PlanNode(name="base", resource_type=ResourceType.MODEL, path="b.sql"),
            "model.p.heavy": PlanNode(
                name="heavy",
                resource_type=ResourceType.MODEL,
                path="x.sql",
                meta=meta,
                depends_on=["model.p.base", "source.p.raw.patient"],
            ),
            "test.p.unique.1": PlanNode(
                name="unique", resource_type=ResourceType.TEST, path="x.yml", depends_on=["model.p.heavy"]
            ),
        },
        sources={"source.p.raw.patient": PlanSource(name="patient", source_name="raw")},
        selectors={
            "two": PlanSelector(nodes=[]),
            "one": PlanSelector(description="The heavy one.", nodes=["model.p.heavy", "test.p.unique.1"]),
        },
        groups={"desk": PlanGroup(owner="the desk", nodes=["model.p.base"])},
    )
    (tmp_path / "plan.json").write_text(plan.to_json())
    given = {
        "image": "dbt:1",
        "target": "prod",
        "namespace": "dbt",
        "service_account": "dbt",
        "profiles_secret": {"name": "profiles"},
        "artifacts": {"claim": "artifacts"},
        "plan": str(tmp_path / "plan.json"),
    }
    (tmp_path / "settings.yaml").write_text(json.dumps(given))
    monkeypatch.setenv("PODBT_SETTINGS", str(tmp_path / "settings.yaml"))
    return pod_settings({})


def test_a_step_gets_what_its_models_demand(settings: Settings) -> None:
    assert fit(settings, Step(selector="one")).resources.limits.memory == "16Gi"
    assert fit(settings, Step(selector="two")) == settings


def test_without_a_plan_nobody_demands_anything(settings: Settings) -> None:
    bare = settings.model_copy(update={"plan": None})
    assert fit(bare, Step()) is bare


def test_selectors_are_listed_for_a_form(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert selector_names() == ["one", "two"]
    monkeypatch.setenv("PODBT_SETTINGS", "/no/such/file")
    assert selector_names() == []


def test_a_selectors_page_says_what_it_builds_and_reads(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (lineage("one", target="prod") or "").splitlines() == [
        "The heavy one.",
        "",
        "1 tables and views, 1 tests. Builds:",
        "",
        "- [heavy](/assets?name_pattern=dbt%3A%2F%2Fp%2Fprod%2Fheavy)",
        "",
        "Reads what others build:",
        "",
        "- [base](/assets?name_pattern=dbt%3A%2F%2Fp%2Fprod%2Fbase)",
        "- source raw.patient",
    ]
    assert lineage("no_such", target="prod") is None
    monkeypatch.setenv("PODBT_SETTINGS", "/no/such/file")
    assert lineage("one", target="prod") is None


@pytest.mark.usefixtures("settings")
def test_so_does_a_dbt_groups_page_with_its_owner() -> None:
    assert (lineage(group="desk", target="prod") or "").splitlines() == [
        "Owner: the desk",
        "",
        "1 tables and views, 0 tests. Builds:",
        "",
        "- [base](/assets?name_pattern=dbt%3A%2F%2Fp%2Fprod%2Fbase)",
    ]
    assert lineage(group="no_such", target="prod") is None


@pytest.mark.usefixtures("settings")
def test_without_either_it_is_the_whole_project() -> None:
    assert (lineage(target="prod") or "").splitlines() == [
        "The whole of p.",
        "",
        "2 tables and views, 1 tests. Builds:",
        "",
        "- [base](/assets?name_pattern=dbt%3A%2F%2Fp%2Fprod%2Fbase)",
        "- [heavy](/assets?name_pattern=dbt%3A%2F%2Fp%2Fprod%2Fheavy)",
        "",
        "Reads what others build:",
        "",
        "- source raw.patient",
    ]


def test_a_function_is_no_table_and_no_test(settings: Settings) -> None:
    assert settings.plan is not None
    plan = Plan.parse_json(Path(settings.plan).read_bytes(), source="plan")
    function = PlanNode(name="louder", resource_type=ResourceType.FUNCTION, path="f.sql")
    plan.nodes["model.p.heavy"].depends_on.append("function.p.louder")
    whole = Plan.seal(**vars(plan) | {"nodes": {**plan.nodes, "function.p.louder": function}})
    Path(settings.plan).write_text(whole.to_json())
    lines = (lineage(target="prod") or "").splitlines()
    assert "2 tables and views, 1 function, 1 tests. Builds:" in lines
    assert not any("louder" in line for line in lines)
    assert "- function louder" in (lineage("one", target="prod") or "").splitlines()


@pytest.mark.parametrize(
    ("fields", "begins"),
    [
        ({}, "The whole of p."),
        ({"selector": "one"}, "The heavy one."),
        ({"select": "group:desk"}, "Owner: the desk"),
        ({"select": ["group:desk"]}, "Owner: the desk"),
        ({"selector": "one", "target": "review"}, "The heavy one."),
        ({"selector": "{{ params.selector }}"}, None),
        ({"selector": "one", "target": "{{ params.target }}"}, None),
        ({"command": "{{ params.command }}"}, None),
        ({"command": "test", "selector": "one"}, None),
        ({"select": "tag:daily"}, None),
        ({"select": "group:desk heavy"}, None),
        ({"exclude": "heavy"}, None),
        ({"selector": "no_such"}, None),
    ],
    ids=str,
)
@pytest.mark.usefixtures("settings")
def test_a_step_without_a_page_gets_what_it_builds(fields: dict[str, Any], begins: str | None) -> None:
    page = DbtOperator(task_id="t", **fields).doc_md
    assert (page or "").splitlines()[:1] == ([begins] if begins else [])
    assert page is None or f"dbt%3A%2F%2Fp%2F{fields.get('target', 'prod')}%2F" in page


@pytest.mark.usefixtures("settings")
def test_a_steps_own_page_is_left_as_it_is() -> None:
    assert DbtOperator(task_id="t", selector="one", doc_md="Mine.").doc_md == "Mine."
    with DAG("d", schedule=None, default_args={"doc_md": "Ours."}):
        assert DbtOperator(task_id="t", selector="one").doc_md == "Ours."


@pytest.mark.parametrize("name", ["settings.yaml", "plan.json"])
@pytest.mark.usefixtures("settings")
def test_what_cannot_be_read_breaks_no_dag(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{")
    assert page_of({"selector": "one"}) is None
