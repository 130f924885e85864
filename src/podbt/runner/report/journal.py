"""nodes.jsonl as it grows: one line when a node starts, one when it ends, in the artifact store at that moment."""

import contextlib
from collections.abc import Iterator
from threading import Lock
from typing import Any

from podbt.contract.batches import Batches
from podbt.contract.journal import lines_of
from podbt.contract.kinds import NodeStatus
from podbt.contract.record import NodeRecord
from podbt.errors import ArtifactError
from podbt.runner.dbt.causes import Causes
from podbt.runner.dbt.microbatch import Microbatch
from podbt.runner.dbt.records import cut_off, record_of
from podbt.runner.process.interrupts import Interrupts
from podbt.runner.process.redact import Redactor
from podbt.runner.report.compiled import CompiledSql
from podbt.store.sink import Sink

_LOCK_SECONDS = 1.0


class Journal:
    """Collects nodes and appends each to a sink at once, so that a killed process leaves them behind."""

    def __init__(
        self, sink: Sink, *, redactor: Redactor, interrupts: Interrupts, compiled: CompiledSql, causes: Causes,
        microbatch: Microbatch,
    ) -> None:  # fmt: skip
        """Starts an empty journal.

        Args:
            sink: Takes the lines.
            redactor: Keeps secrets out of them.
            interrupts: Tells whether the run was told to stop: what fails then, fails because its query was cancelled.
            compiled: Keeps the SQL of failed nodes.
            causes: What is known of errors beside dbt's text.
            microbatch: The batches of models that are built in batches.
        """
        self._sink = sink
        self._redactor = redactor
        self._interrupts = interrupts
        self._compiled = compiled
        self._causes = causes
        self._microbatch = microbatch
        self._microbatch.follow(self.batches_changed)
        self._lock = Lock()  # dbt fires events from its worker threads
        self._nodes: dict[str, NodeRecord] = {}
        self._running: dict[str, int] = {}
        self._closed = False
        self.has_begun = False
        self.failure: OSError | None = None
        self.invocation_id: str | None = None

    @property
    def nodes(self) -> list[NodeRecord]:
        """The nodes that ended or run, each once."""
        with self._locked():
            return list(self._nodes.values())

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Takes the lock, or goes on without it after a while: publishing must not hang on a thread that hangs."""
        got = self._lock.acquire(timeout=_LOCK_SECONDS)
        try:
            yield
        finally:
            if got:
                self._lock.release()

    def carry(self, nodes: list[NodeRecord]) -> None:
        """Takes over what an earlier try finished, in one write: a killed try leaves all of it or nothing."""
        with self._lock:
            self._nodes.update({node.unique_id: node for node in nodes})
            self._write(lines_of(nodes))

    def reopen(self, unique_ids: set[str]) -> None:
        """Takes back what was carried over: these nodes run again."""
        with self._lock:
            for unique_id in sorted(unique_ids & set(self._nodes)):
                self._keep(
                    self._nodes.pop(unique_id).model_copy(update={"status": NodeStatus.STARTED, "from_try": None})
                )

    def on_event(self, event: Any) -> NodeRecord | None:
        """Takes in one of dbt's events.

        Returns:
            The node that it tells of, once that is written: one that has begun, or one that has ended as a whole.
        """
        node = record_of(event, self._redactor, self._causes)
        if node is None:
            return None
        self.invocation_id = event.info.invocation_id
        if node.status == NodeStatus.STARTED:
            return self._start(node)
        return self._end(node) if self._is_whole(node.unique_id) else None

    def batches_changed(self, unique_id: str, batches: Batches) -> None:
        """Writes what is built of a model, while it is."""
        with self._lock:
            node = self._nodes.get(unique_id)
            if node is not None and node.status == NodeStatus.STARTED:
                self._keep(node.model_copy(update={"batches": batches}))

    def _start(self, node: NodeRecord) -> NodeRecord | None:
        self.has_begun = True
        with self._lock:
            self._running[node.unique_id] = self._running.get(node.unique_id, 0) + 1
            if self._running[node.unique_id] > 1:
                return None
            self._keep(node)
        return node

    def _is_whole(self, unique_id: str) -> bool:
        """Whether a node ended, and not just one batch of it: those report under their model's unique_id."""
        with self._lock:
            self._running[unique_id] = self._running.get(unique_id, 1) - 1
            return self._running[unique_id] <= 0

    def _end(self, node: NodeRecord) -> NodeRecord:
        if (batches := self._microbatch.of(node.unique_id)) is not None:
            said = self._microbatch.failure(node.unique_id) if node.failed else None
            message = self._redactor.text(said) if said else node.message
            node = node.model_copy(update={"batches": batches, "message": message})
        if node.failed and self._interrupts.requested:
            node = node.model_copy(update={"status": NodeStatus.INTERRUPTED})
        elif node.failed and self._causes.cancelled(node.unique_id):
            node = cut_off(node)
        if node.failed and node.path:
            path = self._microbatch.compiled(node.unique_id, node.path)
            node = node.model_copy(update={"compiled": self._compiled.keep(node.unique_id, path)})
        with self._lock:
            self._keep(node)
        return node

    def _keep(self, node: NodeRecord) -> None:
        self._nodes.pop(node.unique_id, None)  # in the order in which they ended
        self._nodes[node.unique_id] = node
        self._write(lines_of([node]))

    def _write(self, lines: bytes) -> None:
        if self.failure is None and lines and not self._closed:
            try:
                self._sink.write(lines)
            except OSError as error:  # a full volume: the run goes on, publishing reports it
                self.failure = error

    def check(self) -> None:
        """Raises ArtifactError where a line could not be written."""
        if self.failure is not None:
            raise ArtifactError(f"The journal could not be written: {self.failure.strerror}. Free space in the volume.")

    def close(self) -> None:
        with self._locked():
            self._closed = True
            try:
                self._sink.close()
            except OSError as error:
                self.failure = self.failure or error
