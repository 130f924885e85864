"""DbtModelGroup, with its defaults."""

from airflow.sdk import DAG
from bench.peers.common import TARGET, image_of, new_dag, tag_of
from bench.peers.light import PROJECTS

from podbt.airflow import DbtModelGroup


def group(project: str) -> DAG:
    """A DAG with the project as a group of model tasks."""
    tag = tag_of(project)
    with new_dag(f"{project}_podbt_group") as dag:
        DbtModelGroup(
            "dbt",
            plan=PROJECTS / project / "plan.json",
            tags=[tag] if tag else [],
            target=TARGET,
            settings={"image": image_of(project)},
        )
    return dag
