"""The DAG files as Airflow sees them: they import, and each is what its doc says."""

import ast
import inspect
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
from croniter import croniter  # type: ignore[import-untyped]  # it has no types
from tests.support.dags import DAGS, FILES, parsed

SYSTEMS = ["dental_system_a_fee_processing", "dental_system_b_insurance", "dental_system_c_appointments"]
OF_FILE = {"dental_systems": SYSTEMS}
"""DAGs of a file, where that is not one DAG of the file's name."""
NEED_A_PLAN = {"dental_models", "dental_cosmos"}


def dags_of(file: Path) -> list[str]:
    return OF_FILE.get(file.stem, [file.stem])


def test_every_file_imports_without_database_or_cluster(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert sorted(bag.dags) == sorted(dag for file in FILES for dag in dags_of(file))


def test_only_what_is_made_from_the_plan_needs_settings(bag: DagBag, tmp_path: Path) -> None:
    bare = parsed(tmp_path / "none.yaml")
    assert set(bag.dags) - set(bare.dags) == NEED_A_PLAN
    (error,) = bare.import_errors.values()
    assert "Settings file" in error  # says of dental_models what is missing; there is just no DAG of Cosmos


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dag_file_is_thin_and_documented(file: Path, bag: DagBag) -> None:
    text = file.read_text()
    doc = ast.get_docstring(ast.parse(text))
    assert doc
    for dag in dags_of(file):
        assert inspect.cleandoc(bag.dags[dag].doc_md or "").startswith(doc)  # Cosmos adds a line
    assert len(text.splitlines()) < 40
    assert not file.name.startswith("dbt_")  # dbt imports modules of such names as its plugins


@pytest.mark.parametrize("file", [file for file in FILES if file.stem != "dental_cosmos"], ids=lambda file: file.stem)
def test_a_dag_serializes_small_and_names_no_place(file: Path, bag: DagBag) -> None:
    for dag in dags_of(file):
        text = json.dumps(DagSerialization.to_dict(bag.dags[dag]))
        assert len(text) < 20_000
        assert all("image" not in task["__var"] for task in json.loads(text)["dag"]["tasks"])


def test_no_two_schedules_begin_together(bag: DagBag) -> None:
    begins: dict[datetime, str] = {}
    for dag_id, dag in bag.dags.items():
        if expression := getattr(dag.timetable, "expression", None):
            times = croniter(expression, datetime(2026, 1, 1, tzinfo=UTC))
            while (at := times.get_next(datetime)) < datetime(2026, 3, 1, tzinfo=UTC):
                assert begins.setdefault(at, dag_id) == dag_id
    assert len(set(begins.values())) > 5


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_docs_list_each_dag_with_its_schedule(file: Path, bag: DagBag) -> None:
    rows = {}
    for line in (DAGS.parent / "docs/dags.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[0].startswith("`dental_"):
            rows[cells[0].strip("`")] = cells
    for dag_id in dags_of(file):
        dag: Any = bag.dags[dag_id]
        schedule = getattr(dag.timetable, "expression", None)
        assert rows[dag_id][1] == (f"`{schedule}`" if schedule else "triggered")
        for task in dag.tasks:
            step = getattr(task, "step", {})
            if selector := step.get("selector"):
                assert selector.startswith("{{") or f"`{selector}`" in rows[dag_id][2]
            if target := step.get("target"):
                assert target.startswith("{{") or rows[dag_id][4].startswith(f"`{target}`")
    assert set(rows) == set(bag.dags)


def test_every_dag_is_owned_tagged_and_runs_once_at_a_time(bag: DagBag) -> None:
    for dag in bag.dags.values():
        assert {"dbt", "dental"} <= set(dag.tags), dag.dag_id
        assert dag.catchup is False, dag.dag_id
        assert dag.max_active_runs == (4 if dag.dag_id == "dental_adhoc" else 1), dag.dag_id
        assert "airflow" not in {task.owner for task in dag.tasks}, dag.dag_id
        assert dag.has_on_failure_callback, dag.dag_id
        assert dag.has_on_success_callback, dag.dag_id


@pytest.mark.parametrize(
    ("dag_id", "late_after"),
    [
        ("dental_nightly", timedelta(hours=3)),
        ("dental_daily_refresh", timedelta(hours=1)),
        ("dental_daily_critical", timedelta(minutes=45)),
    ],
)
def test_a_promised_hour_that_is_missed_is_told_where_there_is_an_address(
    bag: DagBag, settings_file: Path, tmp_path: Path, dag_id: str, late_after: timedelta
) -> None:
    assert not bag.dags[dag_id].deadline  # `airflow dags test` fails for a DAG that has one
    told = tmp_path / "settings.yaml"
    told.write_text(f"{settings_file.read_text()}notify: {{url_env: PODBT_NOTIFY_URL}}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PODBT_SETTINGS", str(told))
        (found,) = DagBag(DAGS / f"{dag_id}.py", bundle_name="podbt").dags.values()
    (alert,) = found.deadline
    assert alert.interval == late_after


def test_dental_nightly(bag: DagBag) -> None:
    dag: Any = bag.dags["dental_nightly"]
    assert dag.timetable.expression == "0 2 * * *"
    assert [task.task_id for task in dag.topological_sort()] == ["source_freshness", "build"]
    build = dag.get_task("build")
    assert build.upstream_task_ids == {"source_freshness"}
    for task in dag.tasks:
        assert (task.retries, task.retry_delay) == (2, timedelta(minutes=5))
        assert task.start_from_trigger is True
    assert dag.get_task("source_freshness").step == {"command": "source freshness", "target": "prod"}
    assert build.step == {"command": "build", "target": "prod"}


@pytest.mark.parametrize(
    ("dag_id", "selector", "target", "retries"),
    [
        *[(system, system.removeprefix("dental_"), "prod", 2) for system in SYSTEMS],
        ("dental_daily_refresh", "daily_refresh", "prod", 2),
        ("dental_reference_data", "reference_data", "prod", 2),
        ("dental_daily_critical", "daily_critical", "prod", 2),
        ("dental_incremental", "incremental_only", "prod", 2),
        ("dental_smoke", "smoke_test", "demo", 0),
        ("dental_production_critical", "production_critical", "prod", 0),
    ],
)
def test_dags_of_one_selector(bag: DagBag, dag_id: str, selector: str, target: str, retries: int) -> None:
    (task,) = bag.dags[dag_id].tasks
    assert task.step == {"command": "build", "selector": selector, "target": target}
    assert task.retries == retries


@pytest.mark.parametrize(
    ("dag_id", "task_id", "says"),
    [
        ("dental_nightly", "build", "The whole of dbt_dental_models."),
        ("dental_daily_critical", "daily_critical", "3 tables and views, 0 tests. Builds:"),
        ("dental_smoke", "smoke_test", "(/assets?name_pattern=dbt%3A%2F%2Fdbt_dental_models%2Fdemo%2F"),
    ],
)
def test_a_steps_page_says_what_it_builds(bag: DagBag, dag_id: str, task_id: str, says: str) -> None:
    assert says in bag.dags[dag_id].get_task(task_id).doc_md


def test_dental_layers_go_one_after_the_other(bag: DagBag) -> None:
    tasks = bag.dags["dental_layers"].topological_sort()
    assert [task.step["selector"] for task in tasks] == ["staging_only", "intermediate_only", "marts_only"]
    assert [task.upstream_task_ids for task in tasks] == [set(), {"staging"}, {"intermediate"}]


def test_dental_domains_stand_on_one_foundation(bag: DagBag) -> None:
    dag = bag.dags["dental_domains"]
    assert dag.get_task("foundation").step["selector"] == "foundation"
    workflows = {task.task_id: task for task in dag.tasks if task.task_id != "foundation"}
    assert sorted(workflows) == ["workflows.clinical", "workflows.financial", "workflows.insurance"]
    for name, task in workflows.items():
        assert task.step["selector"] == f"{name.removeprefix('workflows.')}_workflow"
        assert task.upstream_task_ids == {"foundation"}


def test_dental_modified_builds_beside_production(bag: DagBag) -> None:
    (task,) = bag.dags["dental_modified"].tasks
    assert task.step == {
        "command": "build",
        "select": "state:modified+",
        "state": "prod",
        "defer": True,
        "on_missing_state": "full",
        "allow_empty": True,
        "target": "review",
    }


def test_dental_month_end_takes_its_day_from_the_interval(bag: DagBag) -> None:
    dag: Any = bag.dags["dental_month_end"]
    assert type(dag.timetable).__name__ == "CronDataIntervalTimetable"  # its interval is the month
    (task,) = dag.tasks
    assert task.step["exclude"] == "account_balances_equal_the_source"
    assert task.step["vars"] == {"as_of_date": "{{ (data_interval_end - macros.timedelta(days=1)) | ds }}"}


def test_airflow_reads_a_plan_and_neither_a_manifest_nor_dbt(settings_file: Path) -> None:
    files = [str(file) for file in FILES if file.stem != "dental_cosmos"]
    program = f"""
import importlib.util, sys
for name in ("dbt", "dbt.cli", "dbt_common"):
    sys.modules[name] = None
opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
for number, file in enumerate({files!r}):
    spec = importlib.util.spec_from_file_location(f"dag{{number}}", file)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
assert any(name.endswith("plan.json") for name in opened), opened
assert not any(name.endswith("manifest.json") for name in opened), opened
"""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(settings_file.parent), "PODBT_SETTINGS": str(settings_file)}
    subprocess.run([sys.executable, "-c", program], check=True, env=env, cwd=DAGS.parent)


def test_dental_models(bag: DagBag) -> None:
    dag: Any = bag.dags["dental_models"]
    assert {"dbt.stg_patients", "dbt.dim_patients"} <= set(dag.task_ids)
    assert "dbt.start" in dag.get_task("dbt.dim_patients").upstream_task_ids
    assert dag.get_task("dbt.pod").step["target"] == "prod"
