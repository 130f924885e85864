"""promotion.yaml: what is wrong in it is one line."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from podbt.errors import ConfigError
from podbt.promote.config import Promotion, load


def whole() -> dict[str, Any]:
    return {
        "signing": {"private_key": "env://COSIGN_PRIVATE_KEY", "public_key": "keys/release.pub"},
        "stages": [
            {"name": "dev", "repository": "registry.example.com:5000/dev/dbt", "values": "deploy/values-dev.yaml"},
            {
                "name": "prod",
                "repository": "registry.example.com/prod/dbt",
                "signing": {"public_key": "awskms://alias/prod"},
                "values": "deploy/values-prod.yaml",
                "deploy": {"release": "podbt", "namespace": "podbt", "chart": "helm/podbt"},
            },
        ],
    }


def loaded(tmp_path: Path, data: Any) -> Promotion:
    file = tmp_path / "promotion.yaml"
    file.write_text(data if isinstance(data, str) else yaml.safe_dump(data))
    return load(file)


def test_paths_begin_where_the_file_is(tmp_path: Path) -> None:
    promotion = loaded(tmp_path, whole())
    dev, prod = promotion.stages
    assert promotion.record(prod) == tmp_path / "deploy/promotions-prod.jsonl"
    assert promotion.key(promotion.keys(dev).public_key) == str(tmp_path / "keys/release.pub")
    assert promotion.key(promotion.keys(prod).public_key) == "awskms://alias/prod"
    assert promotion.before(prod) is dev
    assert promotion.before(dev) is None


def _with(path: str, value: Any) -> dict[str, Any]:
    data = whole()
    *above, last = path.split(".")
    place: Any = data
    for name in above:
        place = place[int(name) if name.isdigit() else name]
    place[last] = value
    return data


_NO_REPOSITORY = "stages.0.repository: .*without scheme, tag and digest"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(_with("stagse", []), "stagse: is not a known key; remove it", id="an unknown key"),
        pytest.param(_with("folder", "/"), "folder: is not a known key", id="a key that is not for people"),
        pytest.param(_with("stages.0.valeus", "x"), r"stages.0.valeus: is not a known key", id="one of a stage"),
        pytest.param(_with("stages.0.repository", "https://r.example.com/x"), _NO_REPOSITORY, id="a scheme"),
        pytest.param(_with("stages.0.repository", "r.example.com/x:latest"), _NO_REPOSITORY, id="a tag"),
        pytest.param(_with("stages.0.repository", "--insecure/x"), _NO_REPOSITORY, id="an option"),
        pytest.param(_with("stages.1.name", "dev"), "dev is there twice", id="a name twice"),
        pytest.param(_with("stages.1.values", "deploy/values-dev.yaml"), "the same values", id="a values file twice"),
        pytest.param(_with("stages", []), "stages: ", id="no stages"),
        pytest.param(_with("signing.private_key", "-----BEGIN PRIVATE KEY-----"), "name its file", id="a key itself"),
        pytest.param(_with("stages.1.deploy.timeout_seconds", "900"), "deploy.timeout_seconds", id="text for a number"),
        pytest.param("- a\n", "is no mapping", id="a list"),
        pytest.param("a: [\n", "is no YAML", id="no YAML"),
        pytest.param("", "is no mapping", id="an empty file"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(tmp_path: Path, data: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as raised:
        loaded(tmp_path, data)
    assert "\n" not in str(raised.value)
    assert "BEGIN" not in str(raised.value)


def test_a_file_and_a_stage_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.yaml cannot be read .*docs/promotion.md"):
        load(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match=r"no stage 'qa'. Give one of dev, prod."):
        loaded(tmp_path, whole()).stage("qa")
