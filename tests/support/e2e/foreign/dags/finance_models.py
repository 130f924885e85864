"""A model group; its tasks come from the plan of podbt's release."""

from airflow.sdk import DAG

from podbt.airflow import DbtModelGroup

with DAG("finance_models", schedule=None):
    DbtModelGroup("models", selector="reference_data")
