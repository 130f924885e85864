"""What DAG authors import: `from podbt.airflow import DbtPodOperator`."""

from podbt.airflow.assets import dbt_asset
from podbt.airflow.group import DbtModelGroup
from podbt.airflow.operator import DbtPodOperator

__all__ = ["DbtModelGroup", "DbtPodOperator", "dbt_asset"]
