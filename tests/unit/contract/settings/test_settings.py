"""Settings: what the chart renders is accepted, anything else is refused with one line."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.settings import MINIMAL

from podbt.contract.settings.kubernetes import Settings
from podbt.contract.settings.load import load_settings
from podbt.errors import ConfigError

ENV = {"name": "A", "secret": "s", "key": "k"}


def test_defaults_fill_what_is_left_out() -> None:
    settings = Settings.parse(MINIMAL, source="test")
    assert settings.profiles_secret.key == "profiles.yml"
    assert settings.run_timeout_seconds == 14400
    assert settings.resources.limits.memory == "2Gi"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"iamge": "x:1"}, "iamge: is not a known key", id="unknown key"),
        pytest.param({"artifacts": {"claim": "c", "path": "/x"}}, "artifacts.path: is not a known key", id="nested"),
        pytest.param({"artifacts": {}}, "name one store", id="no store"),
        pytest.param({"artifacts": {"claim": "c", "url": "s3://bucket/x"}}, "name one store", id="two stores"),
        pytest.param({"artifacts": {"url": "s3://bucket", "sub_path": "x"}}, "into the url", id="sub_path of a bucket"),
        pytest.param({"artifacts": {"claim": "c", "region": "x"}}, "belong to a url", id="region of a volume"),
        pytest.param({"artifacts": {"url": "gs://bucket", "region": "x"}}, "region is S3's", id="region of GCS"),
        pytest.param({"artifacts": {"url": "http://bucket/x"}}, "artifacts.url", id="no bucket"),
        pytest.param({"artifacts": {"url": "s3://b:secret@x/y"}}, "artifacts.url", id="credentials in the url"),
        pytest.param({"image": "dbt:latest"}, "image 'dbt:latest' is not pinned", id="latest"),
        pytest.param({"image": "dbt"}, "is not pinned", id="no tag"),
        pytest.param({"image": "registry.example:5000/dbt"}, "is not pinned", id="a port is no tag"),
        pytest.param({"run_timeout_seconds": "60"}, "run_timeout_seconds", id="text for a number"),
        pytest.param({"startup_timeout_seconds": 0}, "startup_timeout_seconds", id="too short"),
        pytest.param({"namespace": "Has Space"}, "namespace", id="no name"),
        pytest.param({"resources": {"limits": {"memory": "2 GB"}}}, "resources.limits.memory", id="no quantity"),
        pytest.param({"secret_env": [{"name": "A-B", "secret": "s", "key": "k"}]}, "secret_env.0.name", id="env name"),
        pytest.param({"secret_env": [ENV, {**ENV, "key": "other"}]}, "secret_env: Value error, A is gi", id="twice"),
        pytest.param({"secret_env": [{**ENV, "name": "PODBT_RUN_ID"}]}, "PODBT_RUN_ID is podbt's own", id="podbt's"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        Settings.parse({**MINIMAL, **change}, source="settings.yaml")
    assert said in str(error.value)
    assert str(error.value).startswith("settings.yaml: ")
    assert "\n" not in str(error.value)


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(ConfigError, match="target: Field required"):
        Settings.parse({key: value for key, value in MINIMAL.items() if key != "target"}, source="s")


@pytest.mark.parametrize(
    "artifacts",
    [
        {"claim": "c", "sub_path": "team/a"},
        {"url": "s3://bucket-1/pre.fix/x"},
        {"url": "s3://bucket", "endpoint_url": "http://minio.storage:9000", "region": "eu-central-1"},
        {"url": "gs://bucket/runs", "endpoint_url": "https://storage.example.com"},
    ],
)
def test_a_store_is_a_volume_or_a_bucket(artifacts: dict[str, str]) -> None:
    settings = Settings.parse({**MINIMAL, "artifacts": artifacts}, source="s")
    assert settings.artifacts.model_dump(exclude_defaults=True) == artifacts


def test_a_digest_pins(tmp_path: Path) -> None:
    pinned = {**MINIMAL, "image": "registry.example:5000/dbt@sha256:" + "a" * 64}
    assert Settings.parse(pinned, source="s").image.endswith("a" * 64)


def test_numbers_are_quantities() -> None:
    settings = Settings.parse({**MINIMAL, "resources": {"requests": {"cpu": 1}}}, source="s")
    assert settings.resources.requests.cpu == "1"


def test_the_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump(MINIMAL))
    assert load_settings(file).target == "prod"
    file.write_text(yaml.safe_dump({**MINIMAL, "target": "clinic"}))
    assert load_settings(file).target == "clinic"


@pytest.mark.parametrize(("text", "said"), [("a: [", "not readable as YAML"), ("", "should be an object")])
def test_a_broken_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said) as error:
        load_settings(file)
    assert str(file) in str(error.value)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Mount it there or set PODBT_SETTINGS"):
        load_settings(tmp_path / "none.yaml")
