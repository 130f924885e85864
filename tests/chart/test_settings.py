"""The Settings ConfigMap is what podbt reads: strict, complete, and in its own words."""

from pathlib import Path

import pytest
from tests.support.chart.manifests import EVALUATION, IDS, NAMESPACE, PRODUCTION, SCENARIOS, Manifests, render

from podbt.contract.settings.kubernetes import Settings
from podbt.contract.settings.load import load_settings


def settings(manifests: Manifests, folder: Path) -> Settings:
    path = folder / "settings.yaml"
    path.write_text(manifests.settings_text())
    read = load_settings(path)
    assert isinstance(read, Settings)  # pods' settings
    return read


@pytest.mark.parametrize("scenario", SCENARIOS, ids=IDS)
def test_podbt_reads_it(scenario: Path, tmp_path: Path) -> None:
    assert settings(render(scenario), tmp_path).namespace == NAMESPACE


@pytest.mark.parametrize("scenario", SCENARIOS, ids=IDS)
def test_every_key_is_said(scenario: Path, tmp_path: Path) -> None:
    """A key the chart leaves out would silently take podbt's default instead of the chart's value."""
    assert settings(render(scenario), tmp_path).model_fields_set == set(Settings.model_fields)


def test_production_values(tmp_path: Path) -> None:
    read = settings(render(PRODUCTION), tmp_path)
    assert read.image == "registry.example.com/podbt-dbt-dbt-dental-models@sha256:" + "2" * 64
    assert read.image_pull_secrets == ["registry"]
    assert read.target == "clinic_east"
    assert read.service_account == "dbt-runner"
    assert (read.profiles_secret.name, read.profiles_secret.key) == ("dbt-profiles", "production.yml")
    assert [(one.name, one.secret, one.key) for one in read.secret_env] == [
        ("WAREHOUSE_PASSWORD", "warehouse-login", "password")
    ]
    assert (read.artifacts.claim, read.artifacts.sub_path) == ("podbt-artifacts", "dental")
    assert read.labels["cost-centre"] == "4711"
    assert read.labels["app.kubernetes.io/instance"] == "podbt"
    assert read.annotations == {"example.com/owner": "analytics"}
    assert read.node_selector == {"workload": "batch"}
    assert [one.toleration_seconds for one in read.tolerations] == [None, 0]
    assert read.priority_class_name == "batch"
    assert read.keep_finished_pod_seconds == 0


def test_plain_variables(tmp_path: Path) -> None:
    assert settings(render(EVALUATION, dbt={"env": {"A": "b", "C": "2"}}), tmp_path).env == {"A": "b", "C": "2"}


def test_names_of_the_chart_itself(tmp_path: Path) -> None:
    read = settings(render(EVALUATION), tmp_path)
    manifests = render(EVALUATION)
    assert read.service_account in manifests.of_kind("ServiceAccount")
    assert read.artifacts.claim in manifests.of_kind("PersistentVolumeClaim")
    assert read.profiles_secret.key in manifests.get("Secret", read.profiles_secret.name)["data"]
    assert read.priority_class_name is None


@pytest.mark.parametrize(
    ("requests", "cpu"),
    [({"cpu": 1, "memory": "1Gi"}, "1"), ({"cpu": 0.5, "memory": "1Gi"}, "0.5"), ({"cpu": "2", "memory": "1Gi"}, "2")],
    ids=["whole number", "fraction", "text"],
)
def test_cpu_as_a_number(requests: dict[str, object], cpu: str, tmp_path: Path) -> None:
    read = settings(render(EVALUATION, dbt={"resources": {"requests": requests}}), tmp_path)
    assert read.resources.requests.cpu == cpu
