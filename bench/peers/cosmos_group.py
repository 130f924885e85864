"""Astronomer Cosmos: manifest mode, tests after each model, its documented set-up for Kubernetes."""

from typing import Final

from airflow.sdk import DAG
from bench.peers.common import TARGET, image_of, new_dag, selection_of
from bench.peers.light import PROJECTS
from bench.peers.pods import BASE, PROFILE, PROJECT_DIR, plain_pod
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, LoadMode, TestBehavior

from podbt.airflow.resolve import pod_settings

_AN_EMPTY_PROFILE: Final = PROJECTS / "profiles.yml"
"""Cosmos asks for one that exists; dbt reads the mounted one."""


def group(project: str, mode: str) -> DAG:
    """A DAG with the project as a task group."""
    settings = pod_settings({})
    execution = ExecutionMode[mode]
    watching = execution is ExecutionMode.WATCHER_KUBERNETES
    select = selection_of(project).split()
    with new_dag(f"{project}_cosmos_{'watcher' if watching else 'kubernetes'}") as dag:
        DbtTaskGroup(
            group_id="dbt",
            project_config=ProjectConfig(
                manifest_path=PROJECTS / project / "manifest.json", project_name=project, install_dbt_deps=False
            ),
            profile_config=ProfileConfig(
                profile_name=PROFILE, target_name=TARGET, profiles_yml_filepath=_AN_EMPTY_PROFILE
            ),
            render_config=RenderConfig(
                load_method=LoadMode.DBT_MANIFEST, select=select, test_behavior=TestBehavior.AFTER_EACH
            ),
            execution_config=ExecutionConfig(
                execution_mode=execution,
                dbt_project_path=PROJECT_DIR,
                # Watching needs the synchronous operator: with the deferrable one no callback sees dbt's events. The
                # pod stays, for its log to be read.
                setup_operator_args={"deferrable": False, "on_finish_action": "keep_pod"} if watching else None,
            ),
            operator_args={
                "namespace": settings.namespace,
                "full_pod_spec": plain_pod(settings, image_of(project)),
                "cmds": ["dbt"],
                "base_container_name": BASE,
                "in_cluster": True,  # see kpo.py
                # Its pods queue for room on one small node for longer than the provider's two minutes.
                "startup_timeout_seconds": 1800,
                "deferrable": True,
            },
        )
    return dag
