"""Settings in a file, as every Airflow component has them."""

from pathlib import Path

import pytest
import yaml
from tests.support.settings import SETTINGS


@pytest.fixture(autouse=True)
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "settings.yaml"
    quick = SETTINGS.model_copy(update={"keep_finished_pod_seconds": 0, "startup_timeout_seconds": 60})
    file.write_text(yaml.safe_dump(quick.model_dump(mode="json", exclude_none=True)))
    monkeypatch.setenv("PODBT_SETTINGS", str(file))
    return file
