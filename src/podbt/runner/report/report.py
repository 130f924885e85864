"""What a run tells while it lasts: the store node by node, people line by line, machines as often as they need it."""

from collections.abc import Sequence
from typing import Any, Protocol

from podbt.contract.journal import settle
from podbt.contract.kinds import NodeStatus
from podbt.contract.record import NodeRecord, Summary
from podbt.runner.dbt.causes import Causes
from podbt.runner.dbt.records import complete
from podbt.runner.process.interrupts import Interrupts
from podbt.runner.process.redact import Redactor
from podbt.runner.report.console import Console
from podbt.runner.report.journal import Journal


class Listener(Protocol):
    """Who prints, once the journal has what there is to print."""

    def begin(self, carried: list[NodeRecord]) -> None:
        """The run begins; it may go on from what an earlier try did."""

    def expect(self, unique_ids: set[str]) -> None:
        """These nodes will run, as far as dbt has decided."""

    def node_started(self, node: NodeRecord) -> None: ...
    def node_ended(self, node: NodeRecord) -> None: ...

    def tick(self) -> None:
        """Some seconds have passed."""

    def end(self, summary: Summary, nodes: list[NodeRecord]) -> None:
        """The run is over, and this became of it."""


class Report:
    """The one listener to dbt's events. It is told here what happens, whoever else wants to know.

    Attributes:
        notes: What is to be remembered of the run although it changes nothing about how it ends, a line each.
    """

    def __init__(
        self, journal: Journal, console: Console, others: Sequence[Listener], *, interrupts: Interrupts,
        redactor: Redactor, causes: Causes,
    ) -> None:  # fmt: skip
        """Tells nothing, yet.

        Args:
            journal: For the store.
            console: For people.
            others: For machines: whoever follows the run.
            interrupts: Tells whether the run was told to stop.
            redactor: Keeps secrets out of what is told.
            causes: What is known of errors beside dbt's text.
        """
        self._journal = journal
        self._console = console
        self._listeners: tuple[Listener, ...] = (console, *others)
        self._interrupts = interrupts
        self._redactor = redactor
        self._causes = causes
        self.notes: list[str] = []

    @property
    def invocation_id(self) -> str | None:
        return self._journal.invocation_id

    @property
    def said(self) -> str | None:
        """The last that dbt said in answer to its command, or as an error."""
        return self._console.said

    def has_begun(self) -> bool:
        """Whether a node of dbt's has begun."""
        return self._journal.has_begun

    def say(self, line: str) -> None:
        """Prints a line of podbt's own."""
        self._console.say(self._redactor.text(line))

    def warn(self, line: str) -> None:
        """Says and notes it. Stopping ends the session that holds the locks with all others, which is no news."""
        if not self._interrupts.requested:
            self.say(line)
            self.notes.append(line)

    def begin(self) -> None:
        """The run begins; nothing is known of its nodes."""
        for listener in self._listeners:
            listener.begin([])

    def carry(self, nodes: list[NodeRecord]) -> None:
        """Takes over what an earlier try finished."""
        self._journal.carry(nodes)
        for listener in self._listeners:
            listener.begin(nodes)

    def run_again(self, unique_ids: set[str]) -> None:
        """Takes back what was carried over."""
        self._journal.reopen(unique_ids)

    def expect(self, unique_ids: set[str]) -> None:
        """Takes in which nodes will run."""
        for listener in self._listeners:
            listener.expect(unique_ids)

    def tick(self) -> None:
        """To be called every few seconds."""
        for listener in self._listeners:
            listener.tick()

    def on_event(self, event: Any) -> None:
        """Dbt's event callback."""
        node = self._journal.on_event(event)
        if node is not None:
            for listener in self._listeners:
                if node.status == NodeStatus.STARTED:
                    listener.node_started(node)
                else:
                    listener.node_ended(node)
        self._console.on_event(event)

    def check(self) -> None:
        """Raises ArtifactError where a line of the journal could not be written."""
        self._journal.check()

    def close(self) -> None:
        """Ends the journal: nothing is written to it any more."""
        self._journal.close()

    def nodes(self, results: list[Any]) -> list[NodeRecord]:
        """What became of each node, by its events and by dbt's results."""
        ended = complete(self._journal.nodes, results, self._causes)
        return [self._redactor.node(node) for node in settle(ended)]

    def end(self, summary: Summary, nodes: list[NodeRecord]) -> None:
        """Tells how the run ended."""
        for listener in self._listeners:
            listener.end(summary, nodes)
