"""Settings of each runtime, as their file has them."""

from typing import Any

import yaml

from podbt.contract.settings import release
from podbt.contract.settings.kubernetes import Settings

MINIMAL: dict[str, Any] = {
    "image": "registry.example/dbt:1.0",
    "target": "prod",
    "namespace": "podbt",
    "service_account": "podbt-dbt",
    "profiles_secret": {"name": "podbt-profiles"},
    "artifacts": {"claim": "podbt-artifacts"},
}

DOCKER: dict[str, Any] = {
    "runtime": "docker",
    "image": "dbt:1",
    "target": "prod",
    "profiles": {"file": "/srv/podbt/profiles.yml"},
    "artifacts": {"volume": "podbt-artifacts"},
}
LOCAL: dict[str, Any] = {
    "runtime": "local",
    "target": "prod",
    "python": "/opt/dbt/bin/python",
    "project": "/srv/dental",
    "profiles": {"folder": "/srv/profiles"},
    "artifacts": {"folder": "/srv/artifacts"},
}
SETTINGS = Settings.parse(
    {
        "image": "dbt:1",
        "image_pull_secrets": ["pull"],
        "target": "prod",
        "namespace": "ns",
        "service_account": "podbt-dbt",
        "profiles_secret": {"name": "profiles", "key": "warehouse.yml"},
        "secret_env": [{"name": "TOKEN", "secret": "api", "key": "token"}],
        "artifacts": {"claim": "artifacts", "sub_path": "team-a"},
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
        "labels": {"team": "data"},
        "node_selector": {"disk": "ssd"},
        "tolerations": [{"key": "dbt", "operator": "Exists"}],
        "priority_class_name": "batch",
        "run_timeout_seconds": 3600,
        "termination_grace_seconds": 45,
    },
    source="test",
)
"""Of the pods that the tests build."""


def read_settings(text: str) -> Settings:
    """What a release of the chart wrote, without the chart's version, which is the file's alone."""
    said = yaml.safe_load(text)
    release.take(said, source="settings.yaml")
    return Settings.parse(said, source="settings.yaml")
