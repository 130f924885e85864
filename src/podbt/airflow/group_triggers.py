"""The old place of `podbt.airflow.group.triggers`, which tasks that wait have in Airflow's database: until 0.2."""

from podbt.airflow.group.triggers import FinishTrigger, GroupPodTrigger

__all__ = ["FinishTrigger", "GroupPodTrigger"]
