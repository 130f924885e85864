"""The DAG files, and what Airflow makes of them."""

from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

ROOT = Path(__file__).parents[2]
DAGS = ROOT / "dags"
FILES = sorted(DAGS.glob("*.py"))
SELECTORS = ["daily_critical", "smoke_test"]


def parsed(settings: Path) -> DagBag:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PODBT_SETTINGS", str(settings))
        return DagBag(DAGS, bundle_name="podbt")
