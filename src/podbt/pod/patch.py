"""Merges a patch into a pod's manifest, as Kubernetes' strategic merge does: maps by key, some lists by a name."""

from collections.abc import Mapping
from typing import Any, Final

from podbt.contract.settings.pod import PodPatch

_MERGED_BY: Final[Mapping[str, str]] = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "hostAliases": "ip",
}
"""Source: patchMergeKey in Kubernetes' own types. Lists that are not here are replaced."""
_HELPERS_SECURITY: Final = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def patched(manifest: dict[str, Any], patch: PodPatch | None) -> dict[str, Any]:
    """A pod's manifest with a patch merged in. Containers that the patch adds are restricted as dbt's own is."""
    if patch is None:
        return manifest
    changes = patch.manifest()
    for helper in changes["spec"].get("initContainers", ()):
        helper["securityContext"] = _HELPERS_SECURITY
    return _merged(manifest, changes)


def _merged(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        if isinstance(value, Mapping) and isinstance(old, dict):
            result[key] = _merged(old, value)
        elif key in _MERGED_BY and isinstance(old, list):
            result[key] = _merged_list(old, value, _MERGED_BY[key])
        else:
            result[key] = value
    return result


def _merged_list(base: list[dict[str, Any]], changes: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    found = {item[name]: item for item in base}
    for item in changes:
        found[item[name]] = _merged(found[item[name]], item) if item[name] in found else item
    return list(found.values())
