"""What the parse of a DAG file imports of podbt: each DAG file is parsed in a process of its own, again and again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.support.plans import plan
from tests.support.settings import DOCKER, LOCAL, MINIMAL

PARSED = """
import json, sys
from datetime import datetime
from airflow.sdk import DAG
from podbt.airflow import {name}
with DAG("d", schedule=None, start_date=datetime(2026, 1, 1)):
    {made}
print("MODULES", json.dumps([name for name in sys.modules if name.startswith("podbt.")]))
"""
STEP = {
    "airflow", "airflow.api", "airflow.assets", "airflow.awaited", "airflow.links", "airflow.operator",
    "airflow.overrides", "airflow.supported", "constants", "contract", "contract.kinds", "contract.settings",
    "contract.settings.files", "contract.step", "contract.variables", "errors",
}  # fmt: skip
"""Neither a model of pydantic's, nor what reads settings and plans, nor what runs a step and records it."""
PLAN = {
    "airflow.catalog", "contract.model", "contract.plan", "contract.plan_file", "contract.plan_nodes", "contract.plans",
    "contract.settings.load", "contract.settings.release",
}  # fmt: skip
"""What the page of a step needs, where there are settings that may name a plan."""
COMMON = {"contract.settings.bucket", "contract.settings.common", "contract.settings.observed"}


def parsed(name: str, made: str, settings: Path) -> set[str]:
    """The modules of podbt that a DAG file with one operator imports."""
    env = {**os.environ, "PODBT_SETTINGS": str(settings), "AIRFLOW_HOME": str(settings.parent / "airflow")}
    program = [sys.executable, "-c", PARSED.format(name=name, made=made)]
    ended = subprocess.run(program, env=env, capture_output=True, text=True, check=True)
    (line,) = [line for line in ended.stdout.splitlines() if line.startswith("MODULES ")]
    return {one.removeprefix("podbt.") for one in json.loads(line.partition(" ")[2])}


def test_a_step_costs_a_dag_file_little(tmp_path: Path) -> None:
    assert parsed("DbtOperator", 'DbtOperator(task_id="t")', tmp_path / "none.yaml") == STEP


@pytest.mark.parametrize(
    ("settings", "models"),
    [
        pytest.param(MINIMAL, {"contract.settings.pod", "contract.settings.kubernetes"}, id="kubernetes"),
        pytest.param(DOCKER, {"contract.settings.docker"}, id="docker"),
        pytest.param(LOCAL, {"contract.settings.local"}, id="local"),
    ],
)
def test_of_the_settings_only_those_of_the_runtime_are_read(
    tmp_path: Path, settings: dict[str, object], models: set[str]
) -> None:
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(settings))
    found = parsed("DbtOperator", 'DbtOperator(task_id="t")', tmp_path / "settings.yaml")
    assert found == STEP | PLAN | COMMON | models


def test_a_model_group_reads_a_plan_and_follows_nothing(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(plan("a", "b < a").to_json())
    made = f'DbtModelGroup("g", plan={str(tmp_path / "plan.json")!r})'
    found = parsed("DbtModelGroup", made, tmp_path / "none.yaml")
    group = {one for one in found if one.startswith("airflow.group")}
    rooms = ("", ".edges", ".graph", ".model_group", ".names", ".place", ".tasks")
    assert group <= {f"airflow.group{one}" for one in rooms}
    assert found - group == STEP | PLAN | {"airflow.pods", "airflow.pods.places"}
