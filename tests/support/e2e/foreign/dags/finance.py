"""Steps in the Airflow that was there before."""

from airflow.sdk import DAG

from podbt.airflow import DbtOperator

with DAG("finance", schedule=None):
    DbtOperator(task_id="step", command="run", select="stg_opendental__employers")

with DAG("finance_fails", schedule=None):
    DbtOperator(task_id="step", command="run", select="fct_procedures")
