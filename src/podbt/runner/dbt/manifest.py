"""dbt's manifest.json, as far as podbt reads it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from podbt import constants
from podbt.contract.kinds import EPHEMERAL, RUNNABLE
from podbt.errors import ConfigError

_PLACES = ("nodes", "unit_tests", "functions")


def read_manifest(target_path: Path) -> Mapping[str, Any]:
    """Dbt's manifest of this run.

    Raises:
        ConfigError: dbt has not written one.
    """
    try:
        return dict(json.loads((target_path / constants.MANIFEST_FILE).read_bytes()))
    except (OSError, ValueError):
        raise ConfigError("dbt wrote no manifest.json, so what a stale source leaves out is not known.") from None


def nodes_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Every node of a manifest; dbt keeps unit tests and functions beside the others."""
    return {unique_id: node for place in _PLACES for unique_id, node in manifest.get(place, {}).items()}


def runnable_nodes(manifest: Mapping[str, Any]) -> set[str]:
    """The nodes that `dbt build` of everything runs.

    Ephemeral models live in the SQL of others. A test of a model that is not there stays among the nodes, switched off.
    """
    return {
        unique_id
        for unique_id, node in nodes_of(manifest).items()
        if node["resource_type"] in RUNNABLE
        and (config := node.get("config", {})).get("materialized") != EPHEMERAL
        and config.get("enabled", True)
    }


def default_selector(manifest: Mapping[str, Any]) -> str | None:
    """Name of the selector that a command without a selection means."""
    return next((name for name, one in manifest.get("selectors", {}).items() if one.get("default") is True), None)


def descendants(manifest: Mapping[str, Any], roots: Iterable[str]) -> set[str]:
    """Everything below some nodes in dbt's own graph, tests included."""
    children: Mapping[str, list[str]] = manifest["child_map"]
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found
