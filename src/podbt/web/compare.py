"""What differs between two runs, node by node."""

from dataclasses import dataclass

from podbt.contract.record import NodeRecord
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
