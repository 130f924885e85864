"""Who else is told of runs: nobody, unless a value names them; keys by reference alone."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.chart.manifests import EVALUATION, render

from podbt.contract.settings.kubernetes import Settings
from podbt.contract.settings.load import load_settings

LINEAGE: dict[str, Any] = {"url": "https://marquez.example.org", "existingSecret": "marquez", "key": "token"}
OTLP: dict[str, Any] = {"endpoint": "http://collector.monitoring:4318", "headersSecret": "otlp"}
GIVEN = {"openlineage": LINEAGE, "telemetry": {"otlp": OTLP}}


def settings_of(manifests: Any, tmp_path: Path) -> Settings:
    file = tmp_path / "settings.yaml"
    file.write_text(manifests.settings_text())
    found = load_settings(file)
    assert isinstance(found, Settings)
    return found


def environment(manifests: Any, component: str) -> dict[str, Any]:
    (container,) = manifests.get("Deployment", f"podbt-{component}")["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one.get("value") or one.get("valueFrom") for one in container["env"]}


def test_dbt_pods_are_told_by_the_settings(tmp_path: Path) -> None:
    settings = settings_of(render(EVALUATION, **GIVEN), tmp_path)
    assert settings.openlineage is not None
    assert settings.telemetry is not None
    assert (settings.openlineage.url, settings.openlineage.namespace) == (LINEAGE["url"], settings.instance)
    assert settings.telemetry.otlp_endpoint == OTLP["endpoint"]
    keys = {one.name: (one.secret, one.key) for one in settings.secret_env}
    assert keys["OPENLINEAGE_API_KEY"] == ("marquez", "token")
    assert keys["OTEL_EXPORTER_OTLP_HEADERS"] == ("otlp", "headers")


@pytest.mark.parametrize("component", ["scheduler", "triggerer", "api-server", "dag-processor"])
def test_airflows_own_provider_is_told(component: str) -> None:
    found = environment(render(EVALUATION, openlineage={**LINEAGE, "namespace": "prod"}), component)
    assert found["OPENLINEAGE_URL"] == LINEAGE["url"]
    assert found["AIRFLOW__OPENLINEAGE__NAMESPACE"] == "prod"
    assert found["OPENLINEAGE_API_KEY"] == {"secretKeyRef": {"name": "marquez", "key": "token"}}


def test_by_default_nobody_is_told(tmp_path: Path) -> None:
    manifests = render(EVALUATION)
    settings = settings_of(manifests, tmp_path)
    assert settings.openlineage is None
    assert settings.telemetry is None
    assert not {name for name in environment(manifests, "triggerer") if "LINEAGE" in name or "OTEL" in name}


def test_the_network_lets_them_be_reached() -> None:
    own = {"lineage": {"to": [], "ports": [5000]}, "telemetry": {"to": [], "ports": [4318]}}
    on = {"networkPolicy": {"enabled": True, **own}}

    def ports(component: str, **values: Any) -> set[int]:
        policy = render(EVALUATION, **on, **values).get("NetworkPolicy", f"podbt-network-{component}")
        return {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}

    assert not ports("dbt") & {5000, 4318}
    assert {5000, 4318} <= ports("dbt", **GIVEN)
    assert ports("airflow", **GIVEN) & {5000, 4318} == {5000}
