"""How the dbt image's plan reaches Airflow: a copy in each pod that loads DAGs, from the image that will run."""

from typing import Any

import pytest
import yaml
from tests.support.chart.manifests import EVALUATION, PAUSED, PRODUCTION, Manifests, render

AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer")
DOCKERFILE_PLAN = "/opt/podbt/baked/plan.json"
DOCKERFILE_MANIFEST = "/opt/podbt/baked/manifest.json"  # for Cosmos


def settings(manifests: Manifests) -> dict[str, Any]:
    return dict(yaml.safe_load(manifests.settings_text()))


@pytest.mark.parametrize("component", AIRFLOW)
def test_each_airflow_pod_copies_the_plan_of_the_image_that_runs(component: str) -> None:
    manifests = render(PRODUCTION)
    pod = manifests.pod(component)
    (copying,) = [one for one in pod.spec["initContainers"] if one["name"] == "plan"]
    assert copying["image"] == settings(manifests)["image"]
    assert copying["command"] == ["cp", DOCKERFILE_PLAN, DOCKERFILE_MANIFEST, "/etc/podbt-plan/"]
    assert "args" not in copying
    assert {"name": "plan", "mountPath": "/etc/podbt-plan"} in copying["volumeMounts"]
    assert {"name": "plan", "mountPath": "/etc/podbt-plan", "readOnly": True} in pod.main["volumeMounts"]
    (volume,) = [one for one in pod.spec["volumes"] if one["name"] == "plan"]
    assert "emptyDir" in volume
    assert settings(manifests)["plan"] == "/etc/podbt-plan/plan.json"


def test_the_job_needs_no_plan() -> None:
    pod = render(EVALUATION).pod("migrate")
    assert "plan" not in {one["name"] for one in [*pod.containers, *pod.spec["volumes"]]}


def test_another_dbt_image_brings_its_plan_along() -> None:
    """A promotion is one line of values: pods start again with the new image's plan and its settings."""
    manifests = render(EVALUATION, dbt={"image": {"tag": "0.2.0"}})
    for component in AIRFLOW:
        (copying,) = [one for one in manifests.pod(component).containers if one["name"] == "plan"]
        assert copying["image"].endswith(":0.2.0")


@pytest.mark.parametrize("component", AIRFLOW)
def test_without_it_airflow_pods_do_not_need_the_dbt_image(component: str) -> None:
    manifests = render(PAUSED)
    pod = manifests.pod(component)
    assert "plan" not in {one["name"] for one in [*pod.containers, *pod.spec["volumes"]]}
    assert "/etc/podbt-plan" not in {mount["mountPath"] for mount in pod.main["volumeMounts"]}
    assert settings(manifests)["plan"] is None


def test_a_plan_inside_the_airflow_image() -> None:
    plan = {"fromImage": False, "path": "/opt/airflow/plan.json"}
    assert settings(render(EVALUATION, dbt={"plan": plan}))["plan"] == "/opt/airflow/plan.json"
