"""How the dbt image's plan reaches Airflow: a Job in that image tells it, and Airflow's pods do not start again."""

from importlib.metadata import version
from typing import Any

import pytest
import yaml
from tests.support.chart.manifests import EVALUATION, NAMESPACE, PAUSED, PRODUCTION, Manifests, render

AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer")
LOADS_DAGS = ("scheduler", "dag-processor", "triggerer")


def settings(manifests: Manifests) -> dict[str, Any]:
    return dict(yaml.safe_load(manifests.settings_text()))


def job(manifests: Manifests) -> dict[str, Any]:
    (found,) = [one for name, one in manifests.of_kind("Job").items() if name.startswith("podbt-plan-")]
    return dict(found)


@pytest.mark.parametrize("component", LOADS_DAGS)
def test_whoever_loads_dags_mounts_the_plans(component: str) -> None:
    manifests = render(PRODUCTION)
    pod = manifests.pod(component)
    assert {"name": "plan", "mountPath": "/etc/podbt-plan", "readOnly": True} in pod.main["volumeMounts"]
    (volume,) = [one for one in pod.spec["volumes"] if one["name"] == "plan"]
    assert volume["configMap"] == {"name": "podbt-plan"}
    assert settings(manifests)["plan"] == "/etc/podbt-plan"


@pytest.mark.parametrize("component", AIRFLOW)
def test_no_airflow_pod_needs_the_dbt_image(component: str) -> None:
    manifests = render(PRODUCTION)
    image = settings(manifests)["image"]
    assert image not in [one["image"] for one in manifests.pod(component).containers]


@pytest.mark.parametrize("component", AIRFLOW)
def test_a_promotion_leaves_airflows_pods_as_they_are(component: str) -> None:
    before, after = (render(EVALUATION, dbt={"image": {"tag": tag}, "env": {"A": tag}}) for tag in ("0.2.0", "0.3.0"))
    assert settings(before) != settings(after)
    name = f"podbt-{component}"
    assert before.get("Deployment", name) == after.get("Deployment", name)


def test_a_promotion_is_another_job_in_the_new_image() -> None:
    before, after = (job(render(EVALUATION, dbt={"image": {"tag": tag}})) for tag in ("0.2.0", "0.3.0"))
    assert before["metadata"]["name"] != after["metadata"]["name"]
    (container,) = after["spec"]["template"]["spec"]["containers"]
    assert container["image"].endswith(":0.3.0")
    assert f"--image={container['image']}" in container["args"]
    assert {"--config-map=podbt-plan", f"--namespace={NAMESPACE}", f"--release={version('podbt')}"} <= set(
        container["args"]
    )


def test_the_config_map_has_no_data_of_helms() -> None:
    """What the Job puts there would be taken away by the next upgrade."""
    assert not {"data", "binaryData"} & set(render(EVALUATION).get("ConfigMap", "podbt-plan"))


def test_the_job_may_patch_that_config_map_and_nothing_else() -> None:
    manifests = render(EVALUATION)
    account = job(manifests)["spec"]["template"]["spec"]["serviceAccountName"]
    bound = [
        one["roleRef"]["name"]
        for one in manifests.of_kind("RoleBinding").values()
        if account in [subject["name"] for subject in one["subjects"]]
    ]
    (role,) = bound
    assert manifests.get("Role", role)["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["podbt-plan"], "verbs": ["get", "patch"]}
    ]


def test_an_image_that_does_not_come_ends_the_job() -> None:
    spec = job(render(EVALUATION))["spec"]
    assert spec["activeDeadlineSeconds"] == 900


def test_the_first_reading_of_dags_waits_for_a_plan() -> None:
    arguments = {name: render(EVALUATION).pod(name).main["args"] for name in AIRFLOW}
    assert [name for name, words in arguments.items() if "--file=/etc/podbt-plan/plans.json" in words] == [
        "dag-processor"
    ]


def test_the_migration_needs_no_plan() -> None:
    pod = render(EVALUATION).pod("migrate")
    assert "plan" not in {one["name"] for one in [*pod.containers, *pod.spec["volumes"]]}


def test_without_it_there_is_no_job_and_no_config_map() -> None:
    manifests = render(PAUSED)
    assert "podbt-plan" not in manifests.of_kind("ConfigMap")
    assert not [name for name in manifests.of_kind("Job") if name.startswith("podbt-plan")]
    assert "podbt-plan" not in manifests.of_kind("Role") | manifests.of_kind("ServiceAccount")
    for component in AIRFLOW:
        assert "/etc/podbt-plan" not in {one["mountPath"] for one in manifests.pod(component).main["volumeMounts"]}
    assert settings(manifests)["plan"] is None


def test_a_plan_inside_the_airflow_image() -> None:
    plan = {"fromImage": False, "path": "/opt/airflow/plan.json"}
    assert settings(render(EVALUATION, dbt={"plan": plan}))["plan"] == "/opt/airflow/plan.json"
