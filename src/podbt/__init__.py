"""Kubernetes-native, containerized dbt runs for Airflow."""
