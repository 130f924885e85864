"""### dental_cosmos: the same project by Astronomer Cosmos

A task and a pod for each model of `+dim_patients`, on target `demo`, through Astronomer Cosmos in its KUBERNETES mode:
the same image, Secret and artifact store as all other runs. docs/cosmos.md says when to choose it and what it costs.
Cosmos builds its tasks out of dbt's manifest, so there is no such DAG where Airflow has none.
"""

from datetime import UTC, datetime, timedelta

import airflow.providers.cncf.kubernetes.operators.pod  # noqa: F401 - imported once by the dag-processor, not per parse
from cosmos import DbtDag, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, LoadMode, TestBehavior

from podbt.airflow import notifications
from podbt.airflow.cosmos import manifest_path, operator_args, profiles_path

# [START cosmos]
if manifest := manifest_path():
    dag = DbtDag(
        dag_id="dental_cosmos",
        schedule=None,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": "analytics", "retries": 1, "retry_delay": timedelta(minutes=1)},
        doc_md=__doc__,
        tags=["dbt", "dental", "cosmos"],
        project_config=ProjectConfig(manifest_path=manifest, project_name="dbt_dental_models"),
        profile_config=ProfileConfig(
            profile_name="dbt_dental_models", target_name="demo", profiles_yml_filepath=profiles_path()
        ),
        execution_config=ExecutionConfig(execution_mode=ExecutionMode.KUBERNETES, dbt_project_path="/project"),
        render_config=RenderConfig(
            load_method=LoadMode.DBT_MANIFEST, select=["+dim_patients"], test_behavior=TestBehavior.BUILD
        ),
        operator_args={**operator_args(), "indirect_selection": "buildable"},
        **notifications(),
    )
# [END cosmos]
