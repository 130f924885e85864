"""Each DAG file of the benchmark makes the DAG of its name, of the tasks that the peer makes of the project."""

import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml
from bench.peers import cosmos_group, model_group
from bench.peers.light import STEPS

from bench import synth
from podbt import constants
from podbt.runner.dbt.bake import bake

DAGS = Path(__file__).parents[2] / "bench" / "dags"
MODELS = 6
SETTINGS = {
    "image": "podbt-dbt:1",
    "target": "prod",
    "namespace": "bench",
    "service_account": "podbt-dbt",
    "profiles_secret": {"name": "podbt-profiles"},
    "artifacts": {"claim": "podbt-artifacts"},
}
TASKS = {
    "kpo": 1,
    "podbt": 1,
    "podbt_group": MODELS + len(("start", "pod", "finish", "assets")),
    "cosmos_watcher": 2 * MODELS + len(("producer", "producer_done")),
    "cosmos_kubernetes": 2 * MODELS,
}

OWN_RETRIES = {"dbt.assets"}


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the Airflow image has the projects; a small one stands for both."""
    root = tmp_path_factory.mktemp("projects")
    synth.write_project(root / "source", models=MODELS)
    for name in ("dental", "synth"):
        bake(root / "source", root / name)
    (root / "profiles.yml").write_text("{}\n")
    return root


@pytest.fixture(autouse=True)
def image(projects: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that the release gives Airflow."""
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(SETTINGS))
    monkeypatch.setenv(constants.ENV_SETTINGS, str(tmp_path / "settings.yaml"))
    for name in ("DENTAL", "SYNTH", "STEP"):
        monkeypatch.setenv(f"BENCH_IMAGE_{name}", f"podbt-bench-{name.lower()}:1")
    monkeypatch.setattr(model_group, "PROJECTS", projects)
    monkeypatch.setattr(cosmos_group, "PROJECTS", projects)
    monkeypatch.setattr(cosmos_group, "_AN_EMPTY_PROFILE", projects / "profiles.yml")


def dag_of(name: str) -> Any:
    return runpy.run_path(str(DAGS / f"{name}.py"))["dag"]


@pytest.mark.parametrize("name", sorted(path.stem for path in DAGS.glob("*.py")))
def test_a_file_makes_the_dag_of_its_name(name: str) -> None:
    dag = dag_of(name)
    project, _, peer = name.partition("_")
    assert dag.dag_id == name
    assert len(dag.tasks) == (STEPS if project == "steps" else TASKS[peer])
    assert {task.task_id for task in dag.tasks if task.retries} <= OWN_RETRIES


def test_peers_run_the_same_dbt_command_in_the_same_image() -> None:
    (plain,) = dag_of("synth_kpo").tasks
    producer = dag_of("synth_cosmos_watcher").get_task("dbt.dbt_producer_watcher")
    for task in (plain, producer):
        (container,) = task.full_pod_spec.spec.containers
        assert container.image == "podbt-bench-synth:1"
        assert "DBT_PARTIAL_PARSE_FILE_PATH" in {variable.name for variable in container.env}
    assert plain.arguments == [
        "build",
        "--profile",
        "dbt_dental_models",
        "--target",
        "prod",
        "--project-dir",
        "/project",
    ]
    assert not producer.deferrable
    (ours,) = dag_of("synth_podbt").tasks
    assert ours.overrides == {"image": "podbt-bench-synth:1"}
