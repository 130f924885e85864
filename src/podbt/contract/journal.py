"""The files that a run which has not ended keeps in its folder: nodes.jsonl as it grows, and alive.json.

While a run lasts, nodes.jsonl has a line when a node starts and another when it ends; the last line of a node counts.
A process that was killed may have left half a line. When the run is published the file has one line a node.
"""

import json
from datetime import datetime

from podbt.contract.kinds import NodeStatus
from podbt.contract.model import Strict
from podbt.contract.record import NodeRecord, RunStart, to_json
from podbt.errors import ConfigError


class Alive(Strict):
    """alive.json: what the run is, and that it still is. It is written anew every few seconds."""

    start: RunStart
    beat: int
    at: datetime


def fold(text: bytes, *, source: str) -> list[NodeRecord]:
    """The last line of each node, in the order of those lines.

    Args:
        text: Content of a nodes.jsonl, complete or cut anywhere.
        source: What to call it in an error.

    Raises:
        ConfigError: A line other than an unfinished last one is not what podbt writes.
    """
    nodes: dict[str, NodeRecord] = {}
    lines = text.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            node = NodeRecord.parse_json(line, source=f"{source}:{number}")
        except ConfigError:
            if number == len(lines):  # the writer was killed within the line
                break
            raise
        nodes.pop(node.unique_id, None)
        nodes[node.unique_id] = node
    return list(nodes.values())


def settle(nodes: list[NodeRecord]) -> list[NodeRecord]:
    """Says of nodes that began and did not end what that means once their run is over."""
    return [
        node.model_copy(update={"status": NodeStatus.INTERRUPTED, "message": "The run ended while this node ran."})
        if node.status == NodeStatus.STARTED
        else node
        for node in nodes
    ]


def lines_of(nodes: list[NodeRecord]) -> bytes:
    """Lines of a nodes.jsonl, one a node."""
    return b"".join(json.dumps(to_json(node), separators=(",", ":")).encode() + b"\n" for node in nodes)
