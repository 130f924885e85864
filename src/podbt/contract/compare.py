"""What differs between two runs, node by node."""

import json
from dataclasses import dataclass

from podbt.contract.record import NodeRecord, to_json
from podbt.contract.runs import Run

# A duration counts as different from here on: the rest is the weather of a database.
_SECONDS_RATIO, _SECONDS_LEAST = 1.5, 1.0


@dataclass(frozen=True)
class Difference:
    """One node that is not the same in both runs; None where a run does not have it."""

    unique_id: str
    before: NodeRecord | None
    after: NodeRecord | None

    @property
    def what(self) -> list[str]:
        """Which of its properties differ: new, gone, status, seconds, rows, failures."""
        if self.before is None or self.after is None:
            return ["new" if self.before is None else "gone"]
        return [name for name in ("status", "seconds", "rows", "failures") if self._differs(name)]

    def _differs(self, name: str) -> bool:
        old, new = getattr(self.before, name), getattr(self.after, name)
        if name != "seconds":
            return bool(old != new)
        return bool(abs(new - old) >= _SECONDS_LEAST and max(old, new) >= _SECONDS_RATIO * min(old, new))


def compare(before: Run, after: Run) -> list[Difference]:
    """The nodes that differ: gone and new ones, and those of another status, duration, or number of rows.

    A duration differs where it is half as long again, and by a second at least.
    """
    old = {node.unique_id: node for node in before.nodes}
    new = {node.unique_id: node for node in after.nodes}
    pairs = [Difference(key, old.get(key), new.get(key)) for key in [*old, *(key for key in new if key not in old)]]
    return [pair for pair in pairs if pair.what]


def render_comparison(before: Run, after: Run) -> str:
    """A table for people, and the totals."""
    rows = [("differs", "status", "seconds", "rows", "node")]
    for difference in compare(before, after):
        old, new = difference.before, difference.after
        rows.append(
            (
                ", ".join(difference.what),
                _change(old.status if old else None, new.status if new else None),
                _change(f"{old.seconds:.2f}" if old else None, f"{new.seconds:.2f}" if new else None),
                _change(_count(old), _count(new)),
                difference.unique_id.split(".", 2)[-1],
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows
    ]
    same = len({node.unique_id for node in [*before.nodes, *after.nodes]}) - (len(rows) - 1)
    lines = lines if len(rows) > 1 else []
    a, b = before.record, after.record
    total = f"{len(before.nodes)} -> {len(after.nodes)} nodes, {a.seconds:.1f} -> {b.seconds:.1f} s"
    lines += [f"and {same} nodes that are the same", f"total: {a.exit_reason} -> {b.exit_reason}, {total}"]
    return "\n".join(lines)


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


def _change(old: str | None, new: str | None) -> str:
    if old == new:
        return old or ""
    return f"{old or '-'} -> {new or '-'}"


def _count(node: NodeRecord | None) -> str:
    if node is None:
        return ""
    count = node.rows if node.failures is None else node.failures
    return "" if count is None else str(count)
