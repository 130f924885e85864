"""The DAG files as Airflow parses them, with the settings and the plan that the chart gives them."""

import json
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from tests.support.dags import SELECTORS, parsed

from podbt.contract.kinds import ResourceType
from podbt.contract.plan import Plan, PlanNode, PlanSelector

SETTINGS = """
image: example/dbt@sha256:{digest}
target: prod
namespace: dbt
service_account: dbt
profiles_secret: {{name: profiles}}
secret_env: [{{name: WAREHOUSE_PASSWORD, secret: warehouse, key: password}}]
artifacts: {{claim: artifacts}}
plan: {plan}
"""


def node(name: str, *parents: str) -> dict[str, object]:
    """A model as dbt's manifest has it, less what nobody here reads."""
    return {
        "unique_id": f"model.dbt_dental_models.{name}",
        "name": name,
        "resource_type": "model",
        "package_name": "dbt_dental_models",
        "original_file_path": f"models/{name}.sql",
        "fqn": ["dbt_dental_models", name],
        "tags": [],
        "config": {"materialized": "table", "tags": [], "meta": {}},
        "depends_on": {"nodes": [f"model.dbt_dental_models.{parent}" for parent in parents]},
    }


@pytest.fixture(scope="session")
def settings_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings with a plan and, beside it, a manifest of three models."""
    folder = tmp_path_factory.mktemp("airflow")
    nodes = [node("stg_patients"), node("dim_patients", "stg_patients"), node("other")]
    manifest = {
        "metadata": {"project_name": "dbt_dental_models", "adapter_type": "postgres"},
        "nodes": {str(one["unique_id"]): one for one in nodes},
        "sources": {},
        "exposures": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    ids = [str(one["unique_id"]) for one in nodes]
    plan = Plan.seal(
        project="dbt_dental_models",
        dbt_version="1.11.0",
        nodes={
            unique_id: PlanNode(
                name=unique_id.rpartition(".")[2], resource_type=ResourceType.MODEL, path="models/x.sql"
            )
            for unique_id in ids
        },
        sources={},
        selectors={name: PlanSelector(nodes=ids) for name in SELECTORS},
    )
    (folder / "plan.json").write_text(plan.to_json())
    file = folder / "settings.yaml"
    file.write_text(SETTINGS.format(digest="a" * 64, plan=folder / "plan.json"))
    return file


@pytest.fixture(scope="session")
def bag(settings_file: Path) -> DagBag:
    """The DAGs as the dag-processor has them: with settings and plan, without database and cluster."""
    return parsed(settings_file)
