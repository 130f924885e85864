"""Tasks of Airflow 3.2 begin on workers: there is nothing in triggers to tell of."""

from podbt.airflow.supported import STARTS_IN_TRIGGER

collect_ignore = [] if STARTS_IN_TRIGGER else ["test_metrics.py"]
