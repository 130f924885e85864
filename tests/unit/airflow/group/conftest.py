"""Settings that name a plan, as the chart's do."""

from pathlib import Path

import pytest
import yaml
from tests.support.models import PLAN

from podbt.airflow.pods import follow


@pytest.fixture
def planned(settings_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings name the plan, as the chart does."""
    (tmp_path / "plan.json").write_text(PLAN.to_json())
    data = yaml.safe_load(settings_file.read_text()) | {"plan": str(tmp_path / "plan.json")}
    settings_file.write_text(yaml.safe_dump(data))
    monkeypatch.setattr(follow, "_TICK_SECONDS", 0.05)
