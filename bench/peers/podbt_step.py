"""DbtOperators."""

from typing import Any

from airflow.sdk import DAG
from bench.peers.common import TARGET, image_of, new_dag, selection_of
from bench.peers.light import SMALL, STEPS

from podbt.airflow import DbtOperator


def one(project: str) -> DAG:
    """One DbtOperator: what dental_nightly's step `build` is."""
    with new_dag(f"{project}_podbt") as dag:
        DbtOperator(
            task_id="build",
            command="build",
            select=selection_of(project),
            target=TARGET,
            settings={"image": image_of(project)},
        )
    return dag


def steps(name: str, *, deferrable: bool, number: int = STEPS) -> DAG:
    """Short DbtOperators that do not depend on one another."""
    pod: dict[str, Any] = {"image": image_of("step"), "resources": SMALL}
    with new_dag(name) as dag:
        for index in range(number):
            DbtOperator(
                task_id=f"step_{index:02}",
                select="{{ dag_run.conf['work'] }}",
                settings=pod,
                deferrable=deferrable,
            )
    return dag
