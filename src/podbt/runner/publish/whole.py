"""Decides whether a run was a complete build of the project, and so what its target is in the state of."""

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from podbt.contract.kinds import DONE_STATUSES, Command
from podbt.contract.record import NodeRecord
from podbt.runner.dbt.arguments import FILTERS, NARROWING, Arguments
from podbt.runner.dbt.manifest import default_selector, runnable_nodes

_NARROWING = ("empty", "sample", "event_time_start", "event_time_end")
_KINDS = ("resource_types", "exclude_resource_types")


def is_whole(
    arguments: Arguments,
    nodes: Iterable[NodeRecord],
    manifest: Path,
    run_results: Path,
    *,
    selected: Collection[str] | None = None,
) -> bool:
    """Whether a run built and tested the whole project, with all rows, and all of it went well.

    The whole is every node, or what `dbt build` without a selection means, where the project has a default selector.
    The manifest of the run itself says so, not the image's plan: a project may enable other nodes on another target.

    Args:
        arguments: dbt's arguments, as dbt got them.
        nodes: Every node that ended, those of earlier tries of a resumed run included.
        manifest: manifest.json as dbt wrote it.
        run_results: run_results.json as dbt wrote it; its arguments include those of environment variables.
        selected: What dbt selected, those of earlier tries included; None where that depends on a state.
    """
    asked = _read(run_results).get("args", {})
    if arguments.command != Command.BUILD or arguments.has(NARROWING):
        return False
    if any(asked.get(name) for name in _NARROWING):
        return False
    known = _read(manifest)
    runnable = runnable_nodes(known)
    chosen = arguments.has(FILTERS) or any(asked.get(kind) for kind in _KINDS)
    if default_selector(known) is not None and not chosen and selected is not None:
        runnable &= set(selected)
    status = {node.unique_id: node.status for node in nodes}
    return bool(runnable) and all(status.get(unique_id) in DONE_STATUSES for unique_id in runnable)


def _read(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
