"""The words that every side of podbt shares. Imports neither dbt, Airflow nor kubernetes."""
