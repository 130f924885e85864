"""What the DAGs of the benchmark share.

Each peer has a module of its own and each DAG a file of its own: every start of a task reads its DAG's file, and no
peer shall pay for another's imports.
"""

import os
from datetime import UTC, datetime
from typing import Final

from airflow.sdk import DAG
from bench.peers.light import selection

TARGET: Final = "prod"


def image_of(project: str) -> str:
    return os.environ[f"BENCH_IMAGE_{project.upper()}"]


def tag_of(project: str) -> str:
    """The tag that the project's peers build; empty for all of it."""
    return os.environ.get(f"BENCH_TAG_{project.upper()}", "")


def selection_of(project: str) -> str:
    """The same as dbt's --select."""
    return selection(tag_of(project))


def new_dag(name: str) -> DAG:
    """No retries: a failure is to be seen. No limit below the executor's own."""
    return DAG(
        dag_id=name,
        schedule=None,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        max_active_tasks=400,
        default_args={"retries": 0},
        tags=["bench"],
    )
