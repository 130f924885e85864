"""run_results.json of a resumed try: dbt writes what this try ran, readers ask what the tables come from.

Without the earlier tries' results `result:error+` would forget what had failed and was not reached again, and whatever
else reads the file would take a resumed build for a small one.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from podbt import constants
from podbt.contract.kinds import ResourceType, type_of
from podbt.contract.record import NodeRecord
from podbt.errors import ConfigError
from podbt.store.runs import read_record
from podbt.store.store import Store


def complete_results(file: Path, store: Store | None, resumed_from: str | None, nodes: Iterable[NodeRecord]) -> None:
    """Adds the results of earlier tries for all nodes that this one did not run.

    Args:
        file: run_results.json as dbt wrote it; where it is missing or cut short, nothing happens.
        store: The artifact store, if there is one.
        resumed_from: Folder of the try that this one goes on from, relative to the root; None where it does not.
        nodes: This try's nodes, with those carried over.
    """
    own = _results(file.read_bytes() if file.is_file() else b"")
    if store is None or resumed_from is None or not own:
        return
    results = {result["unique_id"]: result for result in own["results"]}
    before = _before(store, resumed_from)
    for node in nodes:
        if node.from_try is None or node.unique_id in results:
            continue
        earlier = before.get(node.unique_id)
        results[node.unique_id] = earlier if earlier and earlier["status"] == node.status else _result(node)
    for unique_id, result in before.items():
        if type_of(unique_id) != ResourceType.OPERATION:  # hooks belong to each run
            results.setdefault(unique_id, result)
    file.write_text(json.dumps({**own, "results": list(results.values())}), encoding="utf-8")


def _before(store: Store, run: str | None) -> dict[str, dict[str, Any]]:
    """Results of the newest earlier try that has some: one that was killed left only its journal."""
    while run is not None:
        if found := _results(_stored(store, f"{run}/{constants.RUN_RESULTS_FILE}")):
            return {result["unique_id"]: result for result in found["results"]}
        try:
            run = read_record(store, run).resumed_from
        except (FileNotFoundError, ConfigError):  # pruned or damaged
            break
    return {}


def _result(node: NodeRecord) -> dict[str, Any]:
    """A result in dbt's words (run-results v6) from a journal's line, which knows less."""
    return {
        "unique_id": node.unique_id,
        "status": node.status,
        "timing": [],
        "thread_id": node.thread or "",
        "execution_time": node.seconds,
        "adapter_response": {} if node.rows is None else {"rows_affected": node.rows},
        "message": node.message,
        "failures": node.failures,
        "compiled": None,
        "compiled_code": None,
        "relation_name": node.relation,
        "batch_results": None,
    }


def _stored(store: Store, path: str) -> bytes:
    try:
        return store.read(path)
    except FileNotFoundError:
        return b""


def _results(content: bytes) -> dict[str, Any]:
    """What a run_results.json holds; nothing where it is not whole."""
    try:
        data = json.loads(content)
    except ValueError:
        return {}
    return data if isinstance(data, dict) and isinstance(data.get("results"), list) else {}
