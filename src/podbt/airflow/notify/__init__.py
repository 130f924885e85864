"""Telling people. `on_late` stands here, too, since Airflow's database has its old path while runs last: until 0.2."""

from podbt.airflow.notify.callbacks import on_late

__all__ = ["on_late"]
