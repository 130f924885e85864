"""What DAG authors import: `from podbt.airflow import DbtPodOperator`."""

from podbt.airflow.approval import ApproveFullRefresh
from podbt.airflow.assets import dbt_asset
from podbt.airflow.catalog import lineage, selector_names
from podbt.airflow.group import DbtModelGroup
from podbt.airflow.notify import notifications
from podbt.airflow.operator import DbtPodOperator

__all__ = [
    "ApproveFullRefresh",
    "DbtModelGroup",
    "DbtPodOperator",
    "dbt_asset",
    "lineage",
    "notifications",
    "selector_names",
]
