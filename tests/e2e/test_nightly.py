"""What a person finds after a good night: the record, the pointers, the summary, the log, the marts."""

import json
from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from tests.support.e2e import kube, store, warehouse
from tests.support.e2e.nightly import BUILD, FRESHNESS
from tests.support.e2e.rest import DAG, Airflow

from podbt import constants
from podbt.contract import layout
from podbt.contract.record import RunIdentity, Summary
from podbt.contract.runs import Run
from podbt.contract.settings.kubernetes import Settings

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def tasks(airflow: Airflow, good_run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {task_id: airflow.task(good_run["dag_run_id"], task_id) for task_id in (FRESHNESS, BUILD)}


@pytest.fixture(scope="module")
def folders(tasks: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Where the layout says that each task's last try is."""
    return {
        task_id: layout.run_folder(
            RunIdentity(dag_id=DAG, run_id=task["dag_run_id"], task_id=task_id, try_number=task["try_number"])
        )
        for task_id, task in tasks.items()
    }


@pytest.fixture(scope="module")
def build(folders: dict[str, str]) -> Run:
    return store.run_of(folders[BUILD])


@pytest.fixture(scope="module")
def manifest(build: Run) -> dict[str, Any]:
    assert build.record.manifest
    return dict(store.document(build.record.manifest))


def test_both_tasks_succeed(tasks: dict[str, dict[str, Any]]) -> None:
    assert {task_id: task["state"] for task_id, task in tasks.items()} == {FRESHNESS: "success", BUILD: "success"}


def test_the_builds_folder_is_published_whole(folders: dict[str, str], build: Run) -> None:
    names = {name.rpartition("/")[2] for name in store.files(folders[BUILD])}
    assert {constants.RUN_FILE, constants.NODES_FILE, constants.RUN_RESULTS_FILE, constants.LOG_FILE} <= names
    assert not [name for name in store.beside(folders[BUILD]) if name.endswith(layout.PARTIAL_SUFFIX)]
    assert build.record.manifest in store.files(layout.MANIFESTS)


def test_the_record_says_what_dbt_says(folders: dict[str, str], build: Run, settings: Settings) -> None:
    results = store.document(f"{folders[BUILD]}/{constants.RUN_RESULTS_FILE}")["results"]
    counted = Counter(result["status"] for result in results)
    assert build.record.counts == {"total": len(results), **counted}
    assert {node.unique_id: node.status for node in build.nodes} == {
        result["unique_id"]: result["status"] for result in results
    }
    assert (build.record.status, build.record.target) == ("success", settings.target)
    assert build.record.image == settings.image


def test_every_model_seed_and_snapshot_of_the_manifest_was_built(build: Run, manifest: dict[str, Any]) -> None:
    wanted = {
        unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in {"model", "seed", "snapshot"} and node["config"]["materialized"] != "ephemeral"
    }
    assert wanted
    assert wanted <= {node.unique_id for node in build.nodes if node.status == "success"}


def test_the_targets_pointer_names_the_newest_good_build(settings: Settings) -> None:
    said = store.pointer(settings.target, layout.LATEST_SUCCESS)
    pointed = store.run_of(said["run"]).record
    assert (pointed.command[0], pointed.status) == ("build", "success")
    assert pointed.finished_at == datetime.fromisoformat(said["finished_at"])
    there = [one for one in store.records() if (one.command[0], one.target) == ("build", settings.target)]
    assert pointed.finished_at == max(one.finished_at for one in there if one.status == "success")


def test_freshness_leaves_what_it_found(folders: dict[str, str]) -> None:
    sources = store.document(f"{folders[FRESHNESS]}/{constants.SOURCES_FILE}")["results"]
    record = store.run_of(folders[FRESHNESS]).record
    assert record.counts == {"total": len(sources), **Counter(source["status"] for source in sources)}
    assert sources


@pytest.mark.parametrize("task_id", [FRESHNESS, BUILD])
def test_the_tasks_xcom_is_the_summary(
    airflow: Airflow, good_run: dict[str, Any], folders: dict[str, str], task_id: str
) -> None:
    said = airflow.return_value(good_run["dag_run_id"], task_id)
    summary = Summary.parse_json(json.dumps(said), source="XCom return_value")
    record = store.run_of(folders[task_id]).record
    assert summary == Summary.of(record, folders[task_id])


def test_the_tasks_log_has_a_line_a_node(airflow: Airflow, tasks: dict[str, dict[str, Any]], build: Run) -> None:
    task = tasks[BUILD]
    log = airflow.log(task["dag_run_id"], BUILD, task["try_number"])
    total = build.record.counts["total"]
    assert f"[{total}/{total}]" in log
    assert f"podbt: {build.record.exit_reason}: {total} nodes in" in log
    assert f"artifacts: {build.path}" in log
    missing = [node.name for node in build.nodes if node.resource_type == "model" and node.name not in log]
    assert not missing


def test_the_marts_have_rows(manifest: dict[str, Any]) -> None:
    marts = [
        node["relation_name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["original_file_path"].startswith("models/marts/")
    ]
    assert len(marts) > 10
    counts = warehouse.row_counts(marts)
    assert not [name for name in marts if not counts[name]]


def test_a_person_reads_the_run_in_the_airflow_image(folders: dict[str, str], build: Run) -> None:
    shown = kube.exec_api_server("podbt", "runs", "show", folders[BUILD])
    last = shown.strip().splitlines()[-1]
    assert last.startswith(f"success: {build.record.counts['total']} nodes (")
    missing = [node.name for node in build.nodes if node.resource_type == "model" and node.name not in shown]
    assert not missing
