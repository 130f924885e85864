"""What a Kubernetes API server refuses beyond types: names, keys and amounts (RFC 1123, RFC 1035 and its own rules)."""

import re
from collections.abc import Iterator
from typing import Any

from podbt.contract.settings.common import amount

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*\Z")
_SERVICE = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_QUALIFIED = re.compile(rf"({_LABEL}(\.{_LABEL})*/)?[A-Za-z0-9]([A-Za-z0-9_.-]{{0,61}}[A-Za-z0-9])?\Z")
_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?\Z")
_KEY = re.compile(r"(?!\.\.)[A-Za-z0-9._-]{1,253}\Z")
_ENV = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*\Z")
_REFERENCES = ("secretName", "claimName", "serviceAccountName", "priorityClassName", "storageClassName")


def refusals(manifest: dict[str, Any]) -> list[str]:
    """Says what of an object the API server would refuse."""
    return list(_refusals(manifest))


def _refusals(manifest: dict[str, Any]) -> Iterator[str]:
    metadata = manifest["metadata"]
    pattern = _SERVICE if manifest["kind"] == "Service" else _SUBDOMAIN
    if not isinstance(metadata["name"], str) or not pattern.match(metadata["name"]):
        yield f"name {metadata['name']!r}"
    if not isinstance(metadata["namespace"], str) or not re.fullmatch(_LABEL, metadata["namespace"]):
        yield f"namespace {metadata['namespace']!r}"
    if manifest["kind"] == "Service":
        yield from (
            f"nodePort {port['nodePort']}"
            for port in manifest["spec"]["ports"]
            if "nodePort" in port and not 30000 <= port["nodePort"] <= 32767
        )
    yield from _walk(manifest, manifest["kind"])


def _walk(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _walk(item, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _field(key, item, f"{path}.{key}")
            yield from _walk(item, f"{path}.{key}")


def _field(key: str, value: Any, path: str) -> Iterator[str]:
    if key in {"labels", "annotations", "matchLabels", "nodeSelector"} and isinstance(value, dict):
        yield from (f"{path} has key {name!r}" for name in value if not _QUALIFIED.match(name))
        if key != "annotations":
            yield from (f"{path} has value {text!r}" for text in value.values() if not _VALUE.match(text))
    elif key == "secretKeyRef":
        if not (_SUBDOMAIN.match(value["name"]) and _KEY.match(value["key"])):
            yield f"{path} is {value}"
    elif key in _REFERENCES and value != "" and not _SUBDOMAIN.match(value):
        yield f"{path} is {value!r}"
    elif key == "env":
        names = [one["name"] for one in value]
        yield from (f"{path} has {name!r}" for name in names if not _ENV.match(name) or names.count(name) > 1)
    elif key == "tolerations":
        yield from (f"{path} has {one}" for one in value if not _tolerable(one))
    elif key == "resources" and "limits" in value:
        requests, limits = value.get("requests", {}), value["limits"]
        yield from (
            f"{path} requests more {kind} than its limit"
            for kind in set(requests) & set(limits)
            if amount(str(requests[kind])) > amount(str(limits[kind]))
        )


def _tolerable(toleration: dict[str, Any]) -> bool:
    exists = toleration.get("operator") == "Exists"
    if "tolerationSeconds" in toleration and toleration.get("effect") != "NoExecute":
        return False
    return not toleration.get("value") if exists else bool(toleration.get("key"))
