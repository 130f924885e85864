"""An Airflow that is not ours on the local cluster, and dbt's side of podbt beside it (docs/existing-airflow.md)."""
