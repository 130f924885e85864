"""The DAG files as Airflow sees them: they import, and each is what its doc says."""

import ast
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization

DAGS = Path(__file__).parents[2] / "dags"
FILES = sorted(DAGS.glob("*.py"))


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(DAGS, bundle_name="podbt")


def test_every_file_imports_without_settings_database_or_cluster(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == {file.stem for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dag_file_is_thin_and_documented(file: Path, bag: DagBag) -> None:
    text = file.read_text()
    doc = ast.get_docstring(ast.parse(text))
    assert doc
    assert bag.dags[file.stem].doc_md
    code = text.split('"""', 2)[2]
    assert len(code.strip().splitlines()) < 40
    assert not file.name.startswith("dbt_")  # dbt imports modules of such names as its plugins


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dag_serializes_small_and_names_no_place(file: Path, bag: DagBag) -> None:
    text = json.dumps(DagSerialization.to_dict(bag.dags[file.stem]))
    assert len(text) < 20_000
    assert "image" not in json.loads(text)["dag"]["tasks"][0]["__var"]


def test_dental_nightly(bag: DagBag) -> None:
    dag: Any = bag.dags["dental_nightly"]
    assert dag.timetable.expression == "0 2 * * *"
    assert dag.catchup is False
    assert dag.max_active_runs == 1
    assert [task.task_id for task in dag.topological_sort()] == ["source_freshness", "build"]
    build = dag.get_task("build")
    assert build.upstream_task_ids == {"source_freshness"}
    for task in dag.tasks:
        assert (task.retries, task.retry_delay) == (2, timedelta(minutes=5))
        assert task.start_from_trigger is True
    assert dag.get_task("source_freshness").step == {"command": "source freshness", "target": "prod"}
    assert build.step == {"command": "build", "target": "prod"}
