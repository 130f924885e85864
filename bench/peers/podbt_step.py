"""DbtPodOperators."""

from typing import Any

import airflow.providers.cncf.kubernetes.operators.pod  # noqa: F401 - as in the DAG files that podbt ships
from airflow.sdk import DAG
from bench.peers.common import TARGET, image_of, new_dag, selection_of
from bench.peers.pods import SMALL, STEPS

from podbt.airflow import DbtPodOperator


def one(project: str) -> DAG:
    """One DbtPodOperator: what dental_nightly's step `build` is."""
    with new_dag(f"{project}_podbt") as dag:
        DbtPodOperator(
            task_id="build",
            command="build",
            select=selection_of(project),
            target=TARGET,
            settings={"image": image_of(project)},
        )
    return dag


def steps(name: str, *, deferrable: bool) -> DAG:
    """Forty DbtPodOperators that do not depend on one another."""
    pod: dict[str, Any] = {"image": image_of("step"), "resources": SMALL}
    with new_dag(name) as dag:
        for number in range(STEPS):
            DbtPodOperator(
                task_id=f"step_{number:02}",
                select="{{ dag_run.conf['work'] }}",
                settings=pod,
                deferrable=deferrable,
            )
    return dag
