"""The Settings ConfigMap is what podbt reads: strict, complete, and in its own words."""

from pathlib import Path

import pytest
from tests.support.chart.manifests import (
    EVALUATION,
    IDS,
    NAMESPACE,
    PRODUCTION,
    SCENARIOS,
    Manifests,
    render,
    render_as,
)

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


def test_each_release_is_an_installation_of_its_own(tmp_path: Path) -> None:
    """Two releases in one namespace run the same DAGs with the same run ids."""
    first = settings(render_as("one", EVALUATION), tmp_path)
    second = settings(render_as("two", EVALUATION), tmp_path)
    assert (first.instance, second.instance) == (f"{NAMESPACE}.one", f"{NAMESPACE}.two")
    assert settings(render(EVALUATION, dbt={"instance": "prod"}), tmp_path).instance == "prod"


def test_long_names_stay_different(tmp_path: Path) -> None:
    long = "analytics-platform-production-european-west1-b-"
    names = {settings(render_as(long + end, EVALUATION), tmp_path).instance for end in ("one", "two")}
    assert len(names) == len({name[:63] for name in names}) == 2


def test_prune_touches_no_other_installations_store() -> None:
    container = render(EVALUATION).get("CronJob", "podbt-prune")["spec"]["jobTemplate"]["spec"]["template"]["spec"][
        "containers"
    ][0]
    assert {"name": "PODBT_INSTANCE", "value": f"{NAMESPACE}.podbt"} in container["env"]


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


def test_a_stages_key_lets_approved_images_alone_run(tmp_path: Path) -> None:
    key = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n"
    signed = {"publicKey": key, "stage": "prod", "bundles": ['{"dsseEnvelope": {}}']}
    image = {"tag": "", "digest": f"sha256:{'a' * 64}"}
    found = settings(render(EVALUATION, dbt={"signed": signed, "image": image}), tmp_path).signed
    assert found is not None
    assert (found.public_key, found.stage, found.bundles) == (key, "prod", signed["bundles"])
    assert settings(render(EVALUATION), tmp_path).signed is None
