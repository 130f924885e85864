"""How runs are shown to people, and the same as JSON."""

import json
from collections.abc import Collection, Iterable, Sequence

from podbt.contract.kinds import CHECKS, NodeStatus, ResourceType
from podbt.contract.record import NodeRecord, shorten, to_json
from podbt.contract.runs import Run
from podbt.store.runs import Listed
from podbt.web.compare import Difference, compare
from podbt.web.figures import Figures

_MESSAGE_CHARS = 100


def table(rows: Sequence[Sequence[str]], *, numbers: Collection[int] = ()) -> list[str]:
    """Lines with their columns below each other; the last column is as long as it is.

    Args:
        rows: The cells, the headings among them.
        numbers: Columns that are set to the right.
    """
    widths = [max(map(len, column)) for column in zip(*(row[:-1] for row in rows), strict=True)]

    def line(row: Sequence[str]) -> str:
        cells = enumerate(zip(row, widths, strict=False))
        aligned = [cell.rjust(width) if place in numbers else cell.ljust(width) for place, (cell, width) in cells]
        return "  ".join([*aligned, row[-1]])

    return [line(row) for row in rows]


def runs_table(runs: Iterable[Listed]) -> str:
    """A line a run."""
    rows = [("finished", "exit reason", "nodes", "seconds", "target", "run")]
    for run in runs:
        record = run.record
        nodes = str(record.counts.get("total", 0))
        ended = f"{record.finished_at:%Y-%m-%d %H:%M:%S}"
        rows.append((ended, str(record.exit_reason), nodes, f"{record.seconds:.1f}", record.target or "-", run.path))
    return "\n".join(table(rows))


def runs_json(runs: Iterable[Listed]) -> str:
    return json.dumps([{"path": run.path, "run": to_json(run.record)} for run in runs])


def run_table(run: Run, figures: Figures) -> str:
    """A table of the nodes, tests folded into one line each kind unless they failed, the totals and figures."""
    shown = [node for node in run.nodes if node.resource_type not in CHECKS or node.status != NodeStatus.PASS]
    rows = [("status", "seconds", "rows", "node")]
    for node in shown:
        message = f"  {shorten(node.message, _MESSAGE_CHARS)}" if node.message and node.failed else ""
        name = node.unique_id.split(".", 2)[-1] if node.resource_type != ResourceType.SOURCE else node.name
        rows.append((node.status, f"{node.seconds:.2f}", _count(node), f"{name}{message}"))
    lines = table(rows, numbers={1, 2})
    record = run.record
    counts = ", ".join(f"{count} {status}" for status, count in record.counts.items() if status != "total")
    if passed := len(run.nodes) - len(shown):
        lines.append(f"and {passed} tests that passed")
    lines += _figures(figures)
    lines.append(
        f"{record.exit_reason}: {record.counts.get('total', 0)} nodes ({counts}) in {record.seconds:.1f} s, "
        f"target {record.target}, dbt {record.dbt_version}"
    )
    if record.error:
        lines.append(record.error)
    lines += [f"note: {note}" for note in record.notes]
    return "\n".join(lines)


def run_json(run: Run, figures: Figures) -> str:
    path, line = figures.critical_path, figures.timeline
    waits = {bar.node.unique_id: bar for bar in line.bars} if line else {}
    return json.dumps(
        {
            "path": run.path,
            "run": to_json(run.record),
            "nodes": [to_json(node) for node in run.nodes],
            "figures": {
                "start_seconds": figures.start_seconds,
                "work_seconds": round(figures.work_seconds, 3),
                "threads": figures.threads,
                "busy": figures.busy,
                "critical_path": {
                    "seconds": round(path.seconds, 3),
                    "nodes": [node.unique_id for node in path.nodes],
                }
                if figures.graph.nodes
                else None,
                "waits": {key: {"after": bar.after, "thread_seconds": bar.thread_wait} for key, bar in waits.items()},
            },
        }
    )


def _figures(figures: Figures) -> list[str]:
    """What the run's page shows beside its nodes."""
    said = []
    if figures.start_seconds is not None:
        said.append(f"first node after {figures.start_seconds:.1f} s")
    if figures.busy is not None:
        said.append(f"{figures.threads} threads busy for {figures.busy:.0%} of the time")
    lines = [", ".join(said)] if said else []
    if figures.graph.nodes and figures.critical_path.nodes:
        names = " > ".join(node.name for node in figures.critical_path.nodes)
        lines.append(f"critical path: {figures.critical_path.seconds:.1f} s of {figures.work_seconds:.1f} s: {names}")
    return lines


def comparison_table(before: Run, after: Run) -> str:
    """A table of what differs, and the totals."""
    differences = compare(before, after)
    rows = [("differs", "status", "seconds", "rows", "node"), *map(_row, differences)]
    same = len({node.unique_id for node in [*before.nodes, *after.nodes]}) - len(differences)
    a, b = before.record, after.record
    total = f"{len(before.nodes)} -> {len(after.nodes)} nodes, {a.seconds:.1f} -> {b.seconds:.1f} s"
    return "\n".join(
        [
            *(table(rows) if differences else []),
            f"and {same} nodes that are the same",
            f"total: {a.exit_reason} -> {b.exit_reason}, {total}",
        ]
    )


def comparison_json(before: Run, after: Run) -> str:
    return json.dumps(
        {
            "before": {"path": before.path, "run": to_json(before.record)},
            "after": {"path": after.path, "run": to_json(after.record)},
            "nodes": [
                {
                    "unique_id": item.unique_id,
                    "differs": item.what,
                    "before": to_json(item.before) if item.before else None,
                    "after": to_json(item.after) if item.after else None,
                }
                for item in compare(before, after)
            ],
        }
    )


def _row(difference: Difference) -> tuple[str, ...]:
    old, new = difference.before, difference.after
    return (
        ", ".join(difference.what),
        _change(old.status if old else None, new.status if new else None),
        _change(f"{old.seconds:.2f}" if old else None, f"{new.seconds:.2f}" if new else None),
        _change(_count(old), _count(new)),
        difference.unique_id.split(".", 2)[-1],
    )


def _change(old: str | None, new: str | None) -> str:
    if old == new:
        return old or ""
    return f"{old or '-'} -> {new or '-'}"


def _count(node: NodeRecord | None) -> str:
    """Rows that a test found, else rows that were written."""
    if node is None:
        return ""
    count = node.rows if node.failures is None else node.failures
    return "" if count is None else str(count)
