"""Values that nobody knows are refused, at every level, before anything is rendered."""

import importlib.util
import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import yaml
from tests.support.chart.manifests import CHART, EVALUATION, refusal, render

SCHEMA = json.loads((CHART / "values.schema.json").read_text())


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", CHART.parent / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "path",
    [
        "replicas",
        "airflow.executor",
        "airflow.image.name",
        "admin.password",
        "apiServer.service.ports",
        "apiServer.resources.requests.memroy",
        "scheduler.replicaCount",
        "dbt.profiles.password",
        "dbt.resources.claims",
        "evaluationPostgres.password",
        "serviceAccounts.dbt.automount",
        "artifacts.mountPath",
    ],
)
def test_unknown_keys(path: str) -> None:
    values: dict[str, Any] = {}
    *parents, last = path.split(".")
    level = values
    for parent in parents:
        level = level.setdefault(parent, {})
    level[last] = "x"
    message = refusal(EVALUATION, **values)
    assert f"'{last}' not allowed" in message
    assert f"'/{'/'.join(parents)}'" in message.replace("at ''", "at '/'")


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"airflow": {"image": {"tag": 1.0}}}, "/airflow/image/tag"),
        ({"airflow": {"image": {"digest": "sha256:abc"}}}, "/airflow/image/digest"),
        ({"airflow": {"imagePullPolicy": "Sometimes"}}, "/airflow/imagePullPolicy"),
        ({"airflow": {"parallelism": 0}}, "/airflow/parallelism"),
        ({"airflow": {"baseUrl": "https://airflow.example.com/"}}, "/airflow/baseUrl"),
        ({"airflow": {"config": {"core": {"a": "x\ny = z"}}}}, "/airflow/config/core/a"),
        ({"airflow": {"extraEnv": [{"name": "A"}]}}, "/airflow/extraEnv/0"),
        ({"airflow": {"extraEnv": [{"name": "A", "value": "1", "valueFrom": {}}]}}, "/airflow/extraEnv/0"),
        ({"scheduler": {"replicas": -1}}, "/scheduler/replicas"),
        ({"dbt": {"runTimeoutSeconds": 9}}, "/dbt/runTimeoutSeconds"),
        ({"dbt": {"scratchSizeLimit": "2 GB"}}, "/dbt/scratchSizeLimit"),
        ({"dbt": {"tolerations": [{"toleration_seconds": 1}]}}, "/dbt/tolerations/0"),
        ({"artifacts": {"accessModes": []}}, "/artifacts/accessModes"),
        ({"artifacts": {"subPath": "/absolute"}}, "/artifacts/subPath"),
        ({"warehouse": {"sslMode": "on"}}, "/warehouse/sslMode"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_values(values: dict[str, Any], place: str) -> None:
    assert f"at '{place}'" in refusal(EVALUATION, **values)


def objects(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield path, schema
        for key, value in schema.items():
            yield from objects(value, f"{path}/{key}")
    elif isinstance(schema, list):
        for index, value in enumerate(schema):
            yield from objects(value, f"{path}/{index}")


def test_the_schema_is_closed_everywhere() -> None:
    """Open are what Kubernetes itself describes, below the keys that podbt judges, and the key Helm itself adds."""
    assert [path for path, schema in objects(SCHEMA) if "additionalProperties" not in schema] == ["/properties/global"]
    free = [path for path, schema in objects(SCHEMA) if schema.get("additionalProperties") is True]
    assert {path.split("/")[2] for path in free} == {
        "Affinity", "DbtContainerPatch", "Helper", "SpecPatch", "TopologySpread", "Variable", "Volume", "VolumeSource",
    }  # fmt: skip


def test_a_parent_chart_can_use_this_one() -> None:
    assert render(EVALUATION, **{"global": {"region": "eu"}}).objects


def test_schema_and_reference_follow_the_values_file() -> None:
    for path, text in generator().generated().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is stale. Run: python helm/generate.py"


def test_every_value_is_described() -> None:
    module = generator()
    text = (CHART / "values.yaml").read_text()
    values = module.read_values(text)
    assert {value.path for value in values} == set(yaml.safe_load(text))
    assert all(value.text.endswith((".", '"')) for value in values)
    with pytest.raises(ValueError, match=r"a\.c has no comment"):
        module.read_values("# A.\na:\n  # B.\n  b: 1\n\n  c: 2\n")
    with pytest.raises(ValueError, match="empty map"):
        module.read_values("# A.\na: {}\n")
