"""Reads published runs back, for people and for the page."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from podbt import constants
from podbt.contract import layout
from podbt.contract.record import NodeRecord, RunRecord, shorten, to_json
from podbt.errors import ConfigError

_MESSAGE_CHARS = 100


@dataclass(frozen=True)
class Run:
    """A published run: its folder in the store, its record, its nodes in the order they ended."""

    path: str
    record: RunRecord
    nodes: list[NodeRecord]


def read_run(root: Path, name: str) -> Run:
    """Reads one run.

    Args:
        root: Root of the artifact store.
        name: The run's folder relative to it, or "latest".

    Raises:
        ConfigError: There is no such run, or its files are not what podbt writes.
    """
    path = _latest(root) if name == "latest" else name.strip("/")
    folder = root / path
    if not folder.resolve().is_relative_to(root.resolve()):
        raise ConfigError(f"'{name}' is not inside the artifact store '{root}'.")
    try:
        record = (folder / constants.RUN_FILE).read_bytes()
        lines = (folder / constants.NODES_FILE).read_bytes().splitlines()
    except OSError as error:
        raise ConfigError(f"No run at '{path}' in '{root}' ({error.strerror}). Look at {layout.RUNS}/ there.") from None
    return Run(
        path=path,
        record=RunRecord.parse_json(record, source=f"{path}/{constants.RUN_FILE}"),
        nodes=[NodeRecord.parse_line(line, source=f"{path}/{constants.NODES_FILE}") for line in lines if line.strip()],
    )


def _latest(root: Path) -> str:
    """The run that the newest of all targets' pointers names."""
    newest: tuple[datetime, str] | None = None
    for file in (root / layout.TARGETS).glob(f"*/{layout.LATEST}"):
        pointer = json.loads(file.read_bytes())
        candidate = (datetime.fromisoformat(pointer["finished_at"]), str(pointer["run"]))
        newest = max(newest, candidate) if newest else candidate
    if newest is None:
        raise ConfigError(f"No run has been published in '{root}' yet.")
    return newest[1]


def render_json(run: Run) -> str:
    return json.dumps({"path": run.path, "run": to_json(run.record), "nodes": [to_json(node) for node in run.nodes]})


def render_table(run: Run) -> str:
    """A table of the nodes, tests folded into one line each kind unless they failed, and the totals."""
    shown = [node for node in run.nodes if node.resource_type not in {"test", "unit_test"} or node.status != "pass"]
    rows = [("status", "seconds", "rows", "node")]
    for node in shown:
        count = node.rows if node.failures is None else node.failures
        message = f"  {shorten(node.message, _MESSAGE_CHARS)}" if node.message and node.failed else ""
        name = node.unique_id.split(".", 2)[-1] if node.resource_type != "source" else node.name
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
    return "\n".join(lines)
