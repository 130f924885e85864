"""Zero, false and the empty text are values: none of them may fall back to a default."""

import pytest
import yaml
from tests.support.chart.manifests import EVALUATION, PAUSED, PRODUCTION, render


@pytest.mark.parametrize("name", ["api-server", "scheduler", "dag-processor", "triggerer"])
def test_zero_replicas_and_no_grace(name: str) -> None:
    deployment = render(PAUSED).get("Deployment", f"podbt-{name}")
    assert deployment["spec"]["replicas"] == 0
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 0


def test_zero_retries() -> None:
    (job,) = [job for name, job in render(PAUSED).of_kind("Job").items() if "-migrate-" in name]
    assert job["spec"]["backoffLimit"] == 0


def test_zero_seconds_in_the_settings() -> None:
    assert yaml.safe_load(render(PAUSED).settings_text())["keep_finished_pod_seconds"] == 0
    assert yaml.safe_load(render(PAUSED).settings_text())["connection_wait_seconds"] == 0
    assert yaml.safe_load(render(PRODUCTION).settings_text())["tolerations"][1]["toleration_seconds"] == 0


def test_false() -> None:
    manifests = render(PAUSED)
    config = manifests.get("ConfigMap", "podbt-airflow-config")["data"]["airflow.cfg"]
    assert "dags_are_paused_at_creation = false" in config
    assert "annotations" not in manifests.get("PersistentVolumeClaim", "podbt-artifacts")["metadata"]
    kept = manifests.get("PersistentVolumeClaim", "podbt-logs")["metadata"]["annotations"]
    assert kept == {"helm.sh/resource-policy": "keep"}


def test_no_storage_class_is_not_the_default_one() -> None:
    assert render(PAUSED).get("PersistentVolumeClaim", "podbt-logs")["spec"]["storageClassName"] == ""
    assert "storageClassName" not in render(EVALUATION).get("PersistentVolumeClaim", "podbt-logs")["spec"]


def test_large_numbers_stay_whole() -> None:
    """Helm reads numbers from files as floating point, and prints a million as 1e+06."""
    million = 1_000_000
    manifests = render(
        EVALUATION,
        triggerer={"capacity": million, "terminationGracePeriodSeconds": million},
        airflow={"config": {"core": {"max_templated_field_length": million}}},
        migrate={"waitSeconds": million},
    )
    assert manifests.pod("triggerer").spec["terminationGracePeriodSeconds"] == million
    assert f"--timeout={million}" in manifests.pod("migrate").containers[0]["args"]
    config = manifests.get("ConfigMap", "podbt-airflow-config")["data"]["airflow.cfg"]
    assert f"capacity = {million}\n" in config
    assert f"max_templated_field_length = {million}\n" in config
