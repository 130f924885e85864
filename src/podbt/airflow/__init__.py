"""What DAG authors import: `from podbt.airflow import DbtPodOperator`."""

from podbt.airflow.operator import DbtPodOperator

__all__ = ["DbtPodOperator"]
