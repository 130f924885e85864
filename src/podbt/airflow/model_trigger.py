"""The old place of `podbt.airflow.group.model_trigger`, which tasks that wait have in Airflow's database: until 0.2."""

from podbt.airflow.group.model_trigger import ModelTrigger

__all__ = ["ModelTrigger"]
