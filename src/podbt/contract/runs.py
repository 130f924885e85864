"""A published run, read back, and how it is shown to people. Reading is `podbt.store.runs`."""

import json
from dataclasses import dataclass

from podbt.contract.kinds import CHECKS, NodeStatus, ResourceType
from podbt.contract.record import NodeRecord, RunRecord, shorten, to_json

_MESSAGE_CHARS = 100


@dataclass(frozen=True)
class Run:
    """A published run: its folder in the store, its record, its nodes in the order they ended."""

    path: str
    record: RunRecord
    nodes: list[NodeRecord]


def render_json(run: Run) -> str:
    return json.dumps({"path": run.path, "run": to_json(run.record), "nodes": [to_json(node) for node in run.nodes]})


def render_table(run: Run) -> str:
    """A table of the nodes, tests folded into one line each kind unless they failed, and the totals."""
    shown = [node for node in run.nodes if node.resource_type not in CHECKS or node.status != NodeStatus.PASS]
    rows = [("status", "seconds", "rows", "node")]
    for node in shown:
        count = node.rows if node.failures is None else node.failures
        message = f"  {shorten(node.message, _MESSAGE_CHARS)}" if node.message and node.failed else ""
        name = node.unique_id.split(".", 2)[-1] if node.resource_type != ResourceType.SOURCE else node.name
        rows.append((node.status, f"{node.seconds:.2f}", "" if count is None else str(count), f"{name}{message}"))
    passed = len(run.nodes) - len(shown)
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"{status:<{widths[0]}}  {seconds:>{widths[1]}}  {count:>{widths[2]}}  {name}"
        for status, seconds, count, name in rows
    ]
    record = run.record
    counts = ", ".join(f"{count} {status}" for status, count in record.counts.items() if status != "total")
    if passed:
        lines.append(f"and {passed} tests that passed")
    lines.append(
        f"{record.exit_reason}: {record.counts.get('total', 0)} nodes ({counts}) in {record.seconds:.1f} s, "
        f"target {record.target}, dbt {record.dbt_version}"
    )
    if record.error:
        lines.append(record.error)
    lines += [f"note: {note}" for note in record.notes]
    return "\n".join(lines)
