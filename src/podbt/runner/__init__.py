"""Runs inside the dbt image: checks, dbt in process, journal, publish. Imports dbt, never Airflow or kubernetes."""
