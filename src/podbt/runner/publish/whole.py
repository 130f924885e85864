"""Decides whether a run was a complete build of the project, and so what its target is in the state of."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from podbt.contract.kinds import DONE_STATUSES, Command
from podbt.contract.record import NodeRecord
from podbt.runner.dbt.arguments import FILTERS, Arguments
from podbt.runner.dbt.manifest import runnable_nodes

_NARROWING = ("empty", "sample", "event_time_start", "event_time_end")


def is_whole(arguments: Arguments, nodes: Iterable[NodeRecord], manifest: Path, run_results: Path) -> bool:
    """Whether a run built and tested the whole project, with all rows, and all of it went well.

    The manifest of the run itself says what the whole is, not the image's plan: a project may enable other nodes on
    another target. It also catches what arguments do not show, such as a default selector.

    Args:
        arguments: dbt's arguments, as dbt got them.
        nodes: Every node that ended, those of earlier tries of a resumed run included.
        manifest: manifest.json as dbt wrote it.
        run_results: run_results.json as dbt wrote it; its arguments include those of environment variables.
    """
    if arguments.command != Command.BUILD or arguments.has(FILTERS):
        return False
    asked = _read(run_results).get("args", {})
    if any(asked.get(name) for name in _NARROWING):
        return False
    status = {node.unique_id: node.status for node in nodes}
    runnable = runnable_nodes(_read(manifest))
    return bool(runnable) and all(status.get(unique_id) in DONE_STATUSES for unique_id in runnable)


def _read(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
