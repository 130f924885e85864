"""Addresses to tell: from a Secret alone, and only where one is named."""

from pathlib import Path

import pytest
from tests.support.chart.manifests import EVALUATION, render

from podbt.contract.settings.load import load_settings

GIVEN = {"airflow": {"notifications": {"existingSecret": "podbt-notify", "key": "addresses"}}}
COMPONENTS = ["api-server", "dag-processor", "scheduler", "triggerer"]


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_address_comes_by_reference(component: str) -> None:
    deployment = render(EVALUATION, **GIVEN).get("Deployment", f"podbt-{component}")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (found,) = [one for one in container["env"] if one["name"] == "PODBT_NOTIFY_URL"]
    assert found["valueFrom"] == {"secretKeyRef": {"name": "podbt-notify", "key": "addresses"}}


def test_the_settings_name_the_variable(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(render(EVALUATION, **GIVEN).settings_text())
    notify = load_settings(file).notify
    assert notify is not None
    assert notify.url_env == "PODBT_NOTIFY_URL"


def test_without_a_secret_nobody_is_told(tmp_path: Path) -> None:
    manifests = render(EVALUATION)
    file = tmp_path / "settings.yaml"
    file.write_text(manifests.settings_text())
    assert load_settings(file).notify is None
    assert "PODBT_NOTIFY_URL" not in str(manifests.get("Deployment", "podbt-triggerer"))
