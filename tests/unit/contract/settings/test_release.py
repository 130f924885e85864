"""The chart that wrote the settings and the podbt that reads them: told in one line where they are of two releases."""

import logging
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.settings import MINIMAL

from podbt.contract.settings.load import load_settings
from podbt.errors import ConfigError

HERE = version("podbt")


def written(folder: Path, **more: Any) -> Path:
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump({**MINIMAL, **more}))
    return file


@pytest.mark.parametrize("said", [{}, {"podbt_version": HERE}], ids=["by hand", "of this release"])
def test_nothing_is_said_where_all_is_of_one_release(
    tmp_path: Path, said: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    assert load_settings(written(tmp_path, **said)).target == MINIMAL["target"]
    assert caplog.records == []


def test_another_releases_settings_that_can_be_read_are_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = written(tmp_path, podbt_version="99.1.0")
    with caplog.at_level(logging.WARNING):
        assert load_settings(file).target == MINIMAL["target"]
        load_settings(file)
    (record,) = caplog.records
    assert record.getMessage() == (
        f"podbt: {file} is of the chart of podbt 99.1.0, and this is podbt {HERE}: deploy chart, Airflow image and dbt "
        "image of one release (docs/upgrading.md)."
    )


def test_another_releases_settings_that_cannot_be_read_name_both(tmp_path: Path) -> None:
    file = written(tmp_path, podbt_version="99.1.0", invented_later=True)
    with pytest.raises(ConfigError) as raised:
        load_settings(file)
    line = str(raised.value)
    assert line.startswith(f"{file} is of the chart of podbt 99.1.0, and this is podbt {HERE}: deploy chart, ")
    assert line.endswith("invented_later: is not a known key; remove it")
    assert "\n" not in line


@pytest.mark.parametrize("said", [1.0, None, ["0.1.0"], ""])
def test_a_version_that_is_none_is_refused(tmp_path: Path, said: object) -> None:
    with pytest.raises(ConfigError, match=r"podbt_version is .*, which is no version: remove it"):
        load_settings(written(tmp_path, podbt_version=said))
