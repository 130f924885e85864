"""Beside an Airflow that is there already: what is rendered, where, and what of the other mode is refused."""

import json
from typing import Any

import pytest
import yaml
from tests.support.chart.manifests import CHART, EXISTING, NAMESPACE, PRODUCTION, Manifests, refusal, render

from podbt.airflow.supported import LINES

AIRFLOW = "airflow"
ACCOUNTS = ["airflow-triggerer", "airflow-scheduler", "airflow-worker"]
OVERLAY: dict[str, Any] = yaml.safe_load((CHART.parent / "overlays/official-airflow.yaml").read_text())


@pytest.fixture
def rendered() -> Manifests:
    return render(EXISTING)


def places(manifests: Manifests) -> set[tuple[str, str, str]]:
    return {(one["metadata"]["namespace"], one["kind"], one["metadata"]["name"]) for one in manifests.objects}


def test_airflows_namespace_gets_two_config_maps_and_nothing_that_runs(rendered: Manifests) -> None:
    assert {(kind, name) for namespace, kind, name in places(rendered) if namespace == AIRFLOW} == {
        ("ConfigMap", "podbt-settings"),
        ("ConfigMap", "podbt-plan"),
        # For the Job that brings the plan: it may read and patch that one ConfigMap.
        ("Role", "podbt-plan"),
        ("RoleBinding", "podbt-plan"),
    }
    (rule,) = rendered.get("Role", "podbt-plan")["rules"]
    assert rule == {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "resourceNames": ["podbt-plan"],
        "verbs": ["get", "patch"],
    }
    (subject,) = rendered.get("RoleBinding", "podbt-plan")["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": "podbt-plan", "namespace": NAMESPACE}


def test_dbts_namespace_gets_the_rest(rendered: Manifests) -> None:
    kinds = {kind for namespace, kind, _ in places(rendered) if namespace == NAMESPACE}
    assert kinds == {
        "ConfigMap", "CronJob", "Job", "PersistentVolumeClaim", "Pod", "Role", "RoleBinding", "Secret",
        "ServiceAccount",
    }  # fmt: skip
    assert {namespace for namespace, _, _ in places(rendered)} == {NAMESPACE, AIRFLOW}


def test_nothing_names_airflows_database_or_its_keys(rendered: Manifests) -> None:
    text = json.dumps(rendered.objects).lower()
    for word in ("sql_alchemy", "metadata-secret", "fernet", "jwt", "migrate", "podbt-metadata", "postgresql+"):
        assert word not in text
    assert {pod.owner.split("/")[0] for pod in rendered.pods()} == {"Job", "CronJob", "Pod"}


def test_exactly_the_named_accounts_may_start_dbt_pods(rendered: Manifests) -> None:
    binding = rendered.get("RoleBinding", "podbt-pod-launcher")
    assert binding["metadata"]["namespace"] == NAMESPACE
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": name, "namespace": AIRFLOW} for name in ACCOUNTS]
    rules = {tuple(rule["resources"]): rule["verbs"] for rule in rendered.get("Role", "podbt-pod-launcher")["rules"]}
    assert rules == {
        ("pods",): ["create", "get", "list", "watch", "delete"],
        ("pods/log",): ["get"],
        ("events",): ["get", "list", "watch"],
    }


def test_the_settings_send_pods_to_dbts_namespace_and_find_the_plan_beside_them(rendered: Manifests) -> None:
    settings = yaml.safe_load(rendered.settings_text())
    assert settings["namespace"] == NAMESPACE
    assert settings["plan"] == "."


def test_a_namespace_of_dbts_own_goes_with_an_airflow_of_ours_too() -> None:
    manifests = render(PRODUCTION, dbt={"namespace": "dbt-pods"})
    there = {(kind, name) for namespace, kind, name in places(manifests) if namespace == "dbt-pods"}
    (store,) = [name for name in manifests.of_kind("Job") if name.startswith("podbt-store-")]
    assert there == {
        ("CronJob", "podbt-prune"),
        ("Job", store),
        ("PersistentVolumeClaim", "podbt-artifacts"),
        ("Pod", "podbt-test"),
        ("Role", "podbt-pod-launcher"),
        ("RoleBinding", "podbt-pod-launcher"),
    }
    (subject,) = manifests.get("RoleBinding", "podbt-pod-launcher")["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": "podbt-airflow", "namespace": NAMESPACE}
    assert yaml.safe_load(manifests.settings_text())["namespace"] == "dbt-pods"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("scheduler.replicas", 2),
        ("airflow.image", {"tag": "1"}),
        ("airflow.config", {"core": {"parallelism": 4}}),
        ("metadata.existingSecret", "metadata"),
        ("migrate.waitSeconds", 60),
        ("apiServer.nodeSelector", {"disk": "ssd"}),
        ("logs.size", "1Gi"),
        ("admin.enabled", False),
        ("evaluationPostgres.enabled", True),
        ("serviceAccounts.airflow.create", False),
    ],
)
def test_what_is_of_a_bundled_airflow_is_refused(path: str, value: Any) -> None:
    values: Any = value
    for key in reversed(path.split(".")):
        values = {key: values}
    if "airflow" in values:
        values["airflow"]["enabled"] = False
    assert f"{path} is of an Airflow that this release would bring, but airflow.enabled is false. Remove it" in refusal(
        EXISTING, **values
    )


@pytest.mark.parametrize("version", ["2.11.0", "3.1.8", "3.4.0", "3.20.1", "4.0.0"])
def test_an_airflow_that_podbt_does_not_run_on_is_refused(version: str) -> None:
    said = refusal(EXISTING, existingAirflow={"version": version})
    assert f"existingAirflow.version is {version}, but podbt runs on Airflow 3.2 and 3.3" in said


@pytest.mark.parametrize("line", LINES)
def test_every_line_that_the_package_takes_is_accepted(line: tuple[int, int]) -> None:
    assert render(EXISTING, existingAirflow={"version": f"{line[0]}.{line[1]}.0"}).objects


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"existingAirflow": {"version": ""}}, "existingAirflow.version is empty"),
        ({"existingAirflow": {"serviceAccounts": []}}, "existingAirflow.serviceAccounts is empty, so nobody could"),
        ({"airflow": {"enabled": True}}, "existingAirflow.namespace names an Airflow that is there already"),
    ],
    ids=["no version", "no accounts", "both"],
)
def test_what_is_missing_or_too_much_is_said(values: dict[str, Any], says: str) -> None:
    assert says in refusal(EXISTING, **values)


def test_notifications_go_by_the_settings() -> None:
    manifests = render(EXISTING, airflow={"enabled": False, "notifications": {"existingSecret": "notify"}})
    assert yaml.safe_load(manifests.settings_text())["notify"] == {"url_env": "PODBT_NOTIFY_URL"}


def test_the_overlay_mounts_what_the_release_renders(rendered: Manifests) -> None:
    (volume,) = OVERLAY["volumes"]
    sources = [source["configMap"] for source in volume["projected"]["sources"]]
    assert {source["name"] for source in sources} == {
        name for namespace, kind, name in places(rendered) if (namespace, kind) == (AIRFLOW, "ConfigMap")
    }
    # Airflow starts whether or not podbt is installed.
    assert all(source["optional"] for source in sources)
    assert OVERLAY["volumeMounts"] == [{"name": volume["name"], "mountPath": "/etc/podbt", "readOnly": True}]


def test_the_overlay_says_only_what_the_official_chart_has() -> None:
    assert set(OVERLAY) == {"images", "volumes", "volumeMounts"}
    assert set(OVERLAY["images"]["airflow"]) == {"repository", "tag"}
