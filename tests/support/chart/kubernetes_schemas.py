"""The API's own description of each supported Kubernetes version, cut down to the kinds that the chart makes.

`python tests/support/chart/kubernetes_schemas.py v1.29.json v1.30.json ...` makes them anew. The files are what
Kubernetes publishes as api/openapi-spec/swagger.json, also in the Go module k8s.io/kubernetes, under a version's name.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator  # type: ignore[import-untyped]

FOLDER = Path(__file__).parent / "kubernetes"
KINDS = {
    ("v1", "ConfigMap"), ("v1", "PersistentVolumeClaim"), ("v1", "Pod"), ("v1", "Secret"), ("v1", "Service"),
    ("v1", "ServiceAccount"), ("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("batch/v1", "CronJob"),
    ("batch/v1", "Job"), ("networking.k8s.io/v1", "Ingress"), ("networking.k8s.io/v1", "NetworkPolicy"),
    ("policy/v1", "PodDisruptionBudget"), ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
}  # fmt: skip
"""What the chart makes of Kubernetes itself. Kinds of others (Gateway API) are in none of these files."""

_KEPT = ("type", "properties", "required", "items", "additionalProperties", "$ref", "format")
_GROUP_KIND = "x-kubernetes-group-version-kind"


def versions() -> list[str]:
    return sorted(path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz"))


@cache
def _definitions(version: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(gzip.decompress((FOLDER / f"{version}.json.gz").read_bytes()))
    return content


def problems(version: str, manifest: dict[str, Any]) -> list[str]:
    """What that version's API would not take of an object: unknown fields, wrong types, what is missing."""
    content = _definitions(version)
    kind = f"{manifest['apiVersion']} {manifest['kind']}"
    if kind not in content["kinds"]:
        return [f"{kind} is no kind of {version}"]
    schema = {"$ref": f"#/definitions/{content['kinds'][kind]}", "definitions": content["definitions"]}
    found = Draft4Validator(schema).iter_errors(manifest)
    return [f"{version} {kind} {'.'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in found]


def cut(swagger: dict[str, Any]) -> dict[str, Any]:
    """The kinds and what they refer to, closed: a field that is not described is refused."""
    kinds = {}
    for name, definition in swagger["definitions"].items():
        for one in definition.get(_GROUP_KIND, ()):
            api = f"{one['group']}/{one['version']}".removeprefix("/")
            if (api, one["kind"]) in KINDS:
                kinds[f"{api} {one['kind']}"] = name
    definitions: dict[str, Any] = {}
    todo = list(kinds.values())
    while todo:
        name = todo.pop()
        if name not in definitions:
            definitions[name] = _closed(swagger["definitions"][name])
            todo += _references(definitions[name])
    return {"kinds": kinds, "definitions": definitions}


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("format") == "int-or-string":
        return {"type": ["integer", "string"]}
    kept = {key: schema[key] for key in _KEPT if key in schema and not (key == "format" and schema[key] != "byte")}
    if "properties" in kept:
        kept["properties"] = {name: _closed(value) for name, value in kept["properties"].items()}
        kept["additionalProperties"] = False
    if isinstance(kept.get("additionalProperties"), dict):
        kept["additionalProperties"] = _closed(kept["additionalProperties"])
    if "items" in kept:
        kept["items"] = _closed(kept["items"])
    return kept


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for value in schema.values():
            yield from _references(value)


def main(files: list[str]) -> None:
    """Writes one file for each version."""
    FOLDER.mkdir(exist_ok=True)
    for file in files:
        swagger = json.loads(Path(file).read_text(encoding="utf-8"))
        version = ".".join(Path(file).stem.split(".")[:2])
        text = json.dumps(cut(swagger), sort_keys=True, separators=(",", ":"))
        (FOLDER / f"{version}.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main(sys.argv[1:])
