"""Prints progress for machines, see podbt.contract.events."""

import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import Final, Self

from podbt.contract.events import Mark, NodeEvent, Snapshot, encode
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import NodeStatus
from podbt.contract.plan import Plan
from podbt.contract.record import NodeRecord, Summary
from podbt.runner.process.redact import RedactedStream

_EVERY_CHARS: Final = 32 * 1024
_EVERY_SECONDS: Final = 20.0


class Progress:
    """The state of all nodes of a plan, as the runner tells it. Its followers have one of their own."""

    end: ExitReason | None = None

    def __init__(self, plan_hash: str | None, unique_ids: Iterable[str]) -> None:
        self.plan_hash = plan_hash
        self._marks = dict.fromkeys(sorted(unique_ids), Mark.UNKNOWN)

    @classmethod
    def of(cls, plan: Plan | None) -> Self:
        return cls(plan.hash, plan.unique_ids) if plan else cls(None, ())

    @property
    def marks(self) -> Mapping[str, Mark]:
        """The mark of each node by unique_id."""
        return self._marks

    def set(self, unique_id: str, mark: Mark) -> None:
        """Marks a node; one that the plan does not know, such as a hook or a source, is nobody's business here."""
        if unique_id in self._marks:
            self._marks[unique_id] = mark

    def snapshot(self, at: datetime | None = None) -> Snapshot:
        at = at or datetime.now(UTC)
        return Snapshot(plan=self.plan_hash, s="".join(self._marks.values()), at=at, end=self.end)


class Emitter:
    """Prints what happens to nodes and, often enough for a rotated log, the state of all."""

    def __init__(self, progress: Progress) -> None:
        """Prepares.

        Args:
            progress: The state, of the baked plan.
        """
        self._progress = progress
        self._lock = Lock()
        self._last = (0, 0.0)

    def begin(self, carried: list[NodeRecord]) -> None:
        with self._lock:
            for node in carried:
                self._progress.set(node.unique_id, Mark.of(node.status))
            self._snapshot()

    def expect(self, unique_ids: set[str]) -> None:
        with self._lock:
            for unique_id in unique_ids:
                if self._progress.marks.get(unique_id) is Mark.UNKNOWN:
                    self._progress.set(unique_id, Mark.WAITING)

    def node_started(self, node: NodeRecord) -> None:
        self._emit(NodeEvent.of(node.unique_id, NodeStatus.STARTED, at=node.started_at or datetime.now(UTC)))

    def node_ended(self, node: NodeRecord) -> None:
        self._emit(
            NodeEvent.of(
                node.unique_id,
                node.status,
                at=node.finished_at or datetime.now(UTC),
                seconds=node.seconds,
                rows=node.rows,
                failures=node.failures,
                message=node.message,
            )
        )

    def tick(self) -> None:
        """To be called every few seconds."""
        with self._lock:
            self._snapshot_if_due()

    def end(self, summary: Summary, nodes: list[NodeRecord]) -> None:
        """Prints the last snapshot, with what became of each node in the end."""
        with self._lock:
            for node in nodes:
                self._progress.set(node.unique_id, Mark.of(node.status))
            self._progress.end = summary.exit_reason
            self._snapshot()

    def _emit(self, event: NodeEvent) -> None:
        with self._lock:
            self._progress.set(event.n, event.mark)
            _print(encode(event))
            self._snapshot_if_due()

    def _snapshot_if_due(self) -> None:
        written, at = self._last
        if _written() - written >= _EVERY_CHARS or time.monotonic() - at >= _EVERY_SECONDS:
            self._snapshot()

    def _snapshot(self) -> None:
        self._last = (_written(), time.monotonic())
        _print(encode(self._progress.snapshot()))


def _written() -> int:
    """How many characters the process has printed."""
    return sys.stdout.written if isinstance(sys.stdout, RedactedStream) else 0


def _print(line: str) -> None:
    # A node's message is without secrets by now. Its name must stay, also where a password is the same word.
    write = sys.stdout.write_plain if isinstance(sys.stdout, RedactedStream) else sys.stdout.write
    write(f"{line}\n")
    sys.stdout.flush()
