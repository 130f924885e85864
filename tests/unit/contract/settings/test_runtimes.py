"""The settings of each runtime: what it needs, and what belongs to another one."""

from typing import Any

import pytest
from tests.support.settings import DOCKER, LOCAL, MINIMAL

from podbt.contract.settings.docker import DockerSettings
from podbt.contract.settings.kubernetes import Settings
from podbt.contract.settings.load import parse_settings
from podbt.contract.settings.local import LocalSettings
from podbt.errors import ConfigError


@pytest.mark.parametrize(
    ("data", "model"),
    [
        pytest.param(MINIMAL, Settings, id="none said"),
        pytest.param({**MINIMAL, "runtime": "kubernetes"}, Settings, id="kubernetes"),
        pytest.param(DOCKER, DockerSettings, id="docker"),
        pytest.param(LOCAL, LocalSettings, id="local"),
        pytest.param({**DOCKER, "artifacts": {"url": "gs://runs/x"}}, DockerSettings, id="docker, GCS"),
        pytest.param({**LOCAL, "artifacts": {"url": "s3://runs", "region": "eu"}}, LocalSettings, id="local, S3"),
    ],
)
def test_runtime_chooses_the_settings(data: dict[str, Any], model: type[Any]) -> None:
    read = parse_settings(data, source="s")
    assert type(read) is model
    assert parse_settings(read.model_dump(), source="s") == read  # as a task's own changes are merged in


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param({**MINIMAL, "runtime": "podman"}, "runtime 'podman' is not one of docker, kub", id="runtime"),
        pytest.param({**MINIMAL, "runtime": ["docker"]}, "is not one of", id="no text"),
        pytest.param({**LOCAL, "image": "dbt:1"}, "image belongs to runtime docker and kubernetes", id="image"),
        pytest.param({**DOCKER, "namespace": "x"}, "namespace belongs to runtime kubernetes, but", id="namespace"),
        pytest.param({**MINIMAL, "env_names": ["A"]}, "env_names belongs to runtime docker and local", id="env"),
        pytest.param({**DOCKER, "artefacts": {}}, "artefacts: is not a known key", id="nobody's"),
        pytest.param({**DOCKER, "image": "dbt:latest"}, "is not pinned", id="latest"),
        pytest.param({**DOCKER, "profiles": {}}, "exactly one of file and volume", id="no profiles"),
        pytest.param({**DOCKER, "artifacts": {"folder": "/a", "volume": "vol"}}, "exactly one of folder", id="both"),
        pytest.param({**DOCKER, "artifacts": {}}, "exactly one of folder, volume and url", id="no store"),
        pytest.param({**DOCKER, "artifacts": {"url": "s3://runs", "volume": "v1"}}, "exactly one of", id="two stores"),
        pytest.param({**DOCKER, "artifacts": {"url": "http://runs"}}, "artifacts.url: ", id="no bucket"),
        pytest.param({**DOCKER, "artifacts": {"volume": "v1", "region": "x"}}, "belong to a url", id="region"),
        pytest.param({**LOCAL, "artifacts": {}}, "exactly one of folder and url", id="local, no store"),
        pytest.param({**LOCAL, "artifacts": {"folder": "/a", "url": "gs://runs"}}, "exactly one of", id="local, two"),
        pytest.param({**LOCAL, "artifacts": {"url": "gs://runs", "region": "x"}}, "region is S3's", id="GCS's region"),
        pytest.param({**LOCAL, "artifacts": {"url": "s3://key:secret@runs"}}, "artifacts.url: ", id="credentials"),
        pytest.param({**DOCKER, "artifacts": {"folder": "a"}}, "no absolute path", id="relative"),
        pytest.param({**LOCAL, "project": "/a/../b"}, "no absolute path", id="dots"),
        pytest.param({**LOCAL, "env_names": ["AIRFLOW__CORE__FERNET_KEY"]}, "is not for dbt", id="fernet key"),
        pytest.param({**LOCAL, "env_names": ["AIRFLOW_CONN_DB"]}, "is not for dbt", id="connection"),
        pytest.param({**LOCAL, "env_names": ["PODBT_RUN_ID"]}, "is not for dbt", id="identity"),
        pytest.param({**LOCAL, "env": {"DBT_ENV_SECRET_X": "x"}}, "is a secret by its name", id="a secret's value"),
        pytest.param({k: v for k, v in LOCAL.items() if k != "python"}, "python: Field required", id="no python"),
        pytest.param([], "should be an object", id="no mapping"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(data: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        parse_settings(data, source="s")
    assert str(error.value).startswith("s: ")
    assert "\n" not in str(error.value)
