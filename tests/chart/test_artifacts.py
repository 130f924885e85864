"""The artifact store: a volume or a bucket, for everyone who reads or writes run records, and its pruning."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.chart.manifests import CHART, EVALUATION, PAUSED, PRODUCTION, Manifests, Pod, render

from podbt.contract.settings.kubernetes import Settings
from podbt.contract.settings.load import load_settings

BUCKET = CHART / "ci" / "bucket-values.yaml"


def env(pod: Pod) -> dict[str, Any]:
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in pod.main.get("env", [])}


def artifact_mounts(pod: Pod) -> list[dict[str, Any]]:
    return [mount for mount in pod.main["volumeMounts"] if mount["name"] == "artifacts"]


def cron_job(manifests: Manifests) -> dict[str, Any]:
    return dict(manifests.get("CronJob", "podbt-prune")["spec"])


def test_a_bucket_takes_the_place_of_the_volume(tmp_path: Path) -> None:
    manifests = render(BUCKET)
    assert not [name for name in manifests.of_kind("PersistentVolumeClaim") if name.endswith("-artifacts")]
    for component in ("api-server", "prune"):
        pod = manifests.pod(component)
        assert artifact_mounts(pod) == []
        assert not [volume for volume in pod.spec["volumes"] if volume["name"] == "artifacts"]
        variables = env(pod)
        assert variables["PODBT_ARTIFACTS"] == "s3://dbt-runs/dental"
        assert variables["PODBT_ARTIFACTS_ENDPOINT_URL"] == "https://objects.example.com:9000"
        assert variables["PODBT_ARTIFACTS_REGION"] == "eu-central-1"
        assert variables["AWS_SECRET_ACCESS_KEY"] == {"secretKeyRef": {"name": "runs-bucket", "key": "secret"}}
    # The bucket's credentials reach those alone that read or write there.
    users = {"CronJob/podbt-prune", "Deployment/podbt-api-server", "Pod/podbt-test"}
    others = [pod for pod in manifests.pods() if pod.owner not in users]
    assert [pod.owner for pod in others if "PODBT_ARTIFACTS" in env(pod) or "runs-bucket" in str(pod.spec)] == []
    (tmp_path / "settings.yaml").write_text(manifests.settings_text())
    settings = load_settings(tmp_path / "settings.yaml")
    assert isinstance(settings, Settings)
    assert settings.artifacts.claim is None
    assert settings.artifacts.url == "s3://dbt-runs/dental"
    assert settings.artifacts.endpoint_url == "https://objects.example.com:9000"
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= {one.name for one in settings.secret_env}


def test_on_a_volume_the_pruner_writes_and_of_airflow_the_api_server_alone_reads() -> None:
    manifests = render(PRODUCTION)
    (reading,), (writing,) = artifact_mounts(manifests.pod("api-server")), artifact_mounts(manifests.pod("prune"))
    assert reading == {"name": "artifacts", "mountPath": "/artifacts", "readOnly": True, "subPath": "dental"}
    assert writing == {"name": "artifacts", "mountPath": "/artifacts", "subPath": "dental"}
    for component in ("scheduler", "dag-processor", "triggerer"):
        assert artifact_mounts(manifests.pod(component)) == []


def test_who_shares_a_one_node_volume_meets_on_its_node() -> None:
    """Else a dbt pod on another node would wait for a volume that cannot be attached there."""
    manifests = render(EVALUATION)
    prune = manifests.pod("prune")
    asked = yaml.safe_load(manifests.settings_text())
    assert asked["affinity"] == prune.spec["affinity"]
    (term,) = asked["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    components = term["labelSelector"]["matchExpressions"][0]["values"]
    for labels in (prune.metadata["labels"], {**asked["labels"], "app.kubernetes.io/component": "run"}):
        assert term["labelSelector"]["matchLabels"].items() <= labels.items()
        assert labels["app.kubernetes.io/component"] in components
    for spread in (PRODUCTION, BUCKET):
        assert yaml.safe_load(render(spread).settings_text())["affinity"] == {}
        assert "affinity" not in render(spread).pod("prune").spec


RWM = {"accessModes": ["ReadWriteMany"]}


@pytest.mark.parametrize(
    ("values", "pages"),
    [
        pytest.param({}, False, id="ReadWriteOnce would tie the api-server to dbt's node"),
        pytest.param({"page": {"enabled": True}}, True, id="somebody knows that there is one node"),
        pytest.param({"artifacts": RWM}, True, id="ReadWriteMany"),
        pytest.param({"artifacts": RWM, "page": {"enabled": False}}, False, id="turned off"),
        pytest.param({"artifacts": {"url": "s3://dbt-runs/shop"}}, True, id="a bucket"),
        pytest.param({"artifacts": {"existingClaim": "runs"}}, False, id="a claim whose modes nobody said"),
    ],
)
def test_the_api_server_reads_run_records_for_the_pages_alone(values: dict[str, Any], pages: bool) -> None:
    manifests = render(EVALUATION, **{"page": {"enabled": None}, **values})
    in_bucket = "url" in values.get("artifacts", {})
    pod = manifests.pod("api-server")
    assert len(artifact_mounts(pod)) == (pages and not in_bucket)
    assert len([one for one in pod.spec["volumes"] if one["name"] == "artifacts"]) == (pages and not in_bucket)
    assert ("PODBT_ARTIFACTS" in env(pod)) == (pages and in_bucket)
    for component in ("api-server", "scheduler", "dag-processor", "triggerer"):
        assert env(manifests.pod(component)).get("PODBT_PAGE") == (None if pages else "0")


def test_the_pruner_is_where_dbt_is() -> None:
    pod = render(PRODUCTION).pod("prune")
    assert pod.main["image"].startswith("registry.example.com/podbt-dbt-dbt-dental-models@sha256:")
    assert pod.main["command"] == ["podbt", "prune"]
    assert pod.main["args"] == ["--keep-days=90", "--keep-count=20"]
    assert pod.spec["serviceAccountName"] == "dbt-runner"
    assert pod.spec["nodeSelector"] == {"workload": "batch"}
    assert pod.spec["automountServiceAccountToken"] is False


def test_its_schedule() -> None:
    spec = cron_job(render(BUCKET))
    assert (spec["schedule"], spec["timeZone"]) == ("0 5 * * 0", "Europe/Berlin")
    assert spec["concurrencyPolicy"] == "Forbid"
    assert "timeZone" not in cron_job(render(EVALUATION))


def test_pruning_can_be_off() -> None:
    assert render(PAUSED).of_kind("CronJob") == {}
