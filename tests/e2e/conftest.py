"""The cluster that `make up` left."""

import secrets
from pathlib import Path

import pytest
import yaml
from tests.support.e2e import kube
from tests.support.e2e.fixtures import airflow, as_it_was, cluster, good_run, night, settings

__all__ = ["airflow", "as_it_was", "cluster", "good_run", "night", "settings"]


@pytest.fixture(scope="session")
def wrong_password() -> str:
    """A password that the warehouse refuses; nothing may write it down either."""
    return f"wrong-{secrets.token_hex(12)}"


@pytest.fixture
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cluster's settings as a file on this machine, where podbt looks for them, and the plans that they name."""
    values = yaml.safe_load(kube.settings_text())
    plan = tmp_path / "plans"
    kube.copy_plans(plan)
    file = tmp_path / kube.SETTINGS_FILE
    file.write_text(yaml.safe_dump({**values, "plan": str(plan)}))
    monkeypatch.setenv("PODBT_SETTINGS", str(file))
    return file
