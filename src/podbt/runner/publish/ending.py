"""How a run ends: decided, published and said, once."""

import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from podbt.contract.exits import ExitReason
from podbt.contract.kinds import Command, RunStatus
from podbt.contract.record import NodeRecord, RunRecord, Summary, counts_of, failures_of
from podbt.runner.database.locks import TableLocks
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.dbt.causes import Causes
from podbt.runner.dbt.classify import classify
from podbt.runner.dbt.invoke import Outcome
from podbt.runner.dbt.records import compiled_of
from podbt.runner.dbt.selection import Selection
from podbt.runner.prepare.prepared import Known
from podbt.runner.process.interrupts import Interrupts
from podbt.runner.process.redact import Redactor
from podbt.runner.process.scratch import Workspace
from podbt.runner.publish.produced import with_sql
from podbt.runner.publish.publication import Publication
from podbt.runner.report.report import Report
from podbt.runner.report.termination import Termination
from podbt.store.alive import Heartbeat
from podbt.store.run_folder import RunFolder

_LATE = "The run was told to stop and could not publish in time; podbt runs recover publishes its journal."


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Ends one run: in the main thread or, where that does not come back in time, in the one that stops it.

    Attributes:
        known: What is known of the run by then.
        arguments: dbt's, as they were resolved.
        allow_empty: Whether having found nothing to do is fine.
        workspace: Where dbt left its files.
        folder: The run's, where there is a store.
        interrupts: Tells whether the run was told to stop.
        locks: Tell whether the run gave up waiting for another one.
        selection: Tells whether there was anything to select.
        causes: Why nodes failed, as far as the database is why.
        report: Knows the nodes and tells what became of them.
        redactor: Keeps secrets out of it all.
        termination: Takes the summary.
        heartbeat: Ends with the run.
    """

    known: Known
    arguments: Arguments
    allow_empty: bool
    workspace: Workspace
    folder: RunFolder | None
    interrupts: Interrupts
    locks: TableLocks
    selection: Selection
    causes: Causes
    report: Report
    redactor: Redactor
    termination: Termination
    heartbeat: Heartbeat
    _begun: threading.Lock = field(default_factory=threading.Lock, init=False)

    def finish(self, outcome: Outcome) -> int:
        """Publishes the run and says how it ended.

        Returns:
            The process's exit code.
        """
        with self._begun:  # not given back to the thread that would end the process otherwise
            return self._finish(outcome)

    def give_up(self) -> None:
        """As `finish`, from another thread, and ends the process: the main one did not come back in time."""
        if self._begun.acquire(blocking=False):
            try:
                self._finish(Outcome(success=False, exception=KeyboardInterrupt(), results=[]))
                sys.stdout.flush()
            finally:  # whatever went wrong: nobody else can end it now
                self.exit_now()

    def exit_now(self) -> None:
        """Ends the process at once, with what was said of the run or, where nothing was yet, that it was stopped."""
        if self.termination.left is None:
            target = self.known.start.target
            self.termination.leave(
                Summary(status=RunStatus.FAILED, exit_reason=ExitReason.INTERRUPTED, error=_LATE, target=target)
            )
        left = self.termination.left
        os._exit((left.exit_reason if left else ExitReason.INTERRUPTED).exit_code)

    def _finish(self, outcome: Outcome) -> int:
        self.report.close()
        interrupted = self.interrupts.requested and not outcome.success
        sql = self._compiled(outcome)
        nodes = [with_sql(node, sql) for node in self.report.nodes(outcome.results)]
        reason, error = self._reason(outcome, nodes, interrupted=interrupted)
        summary = self._publish(self._record(nodes, reason, error and self.redactor.text(error)), nodes, sql)
        self.heartbeat.stop()
        self.termination.leave(summary)
        self.report.end(summary, nodes)
        return summary.exit_reason.exit_code

    def _reason(self, outcome: Outcome, nodes: list[NodeRecord], *, interrupted: bool) -> tuple[ExitReason, str | None]:
        verdict = self.known.prepared.verdict
        # An interrupt wins over a refusal: dbt fails at whatever it is interrupted in, also while it looks at sources.
        reason, error = (None if interrupted else verdict.refusal) or classify(
            command=self.arguments.command,
            success=outcome.success,
            exception=outcome.exception,
            nodes=nodes,
            interrupted=interrupted,
            allow_empty=self.allow_empty,
            idle=self._is_idle(outcome, nodes),
            causes=self.causes,
            said=self.report.said,
        )
        if self.locks.refused and self.locks.stopped == (reason is ExitReason.INTERRUPTED):
            return ExitReason.BUSY, self.locks.refused
        if reason is ExitReason.SUCCESS and verdict.stale:
            return ExitReason.WARNINGS, error
        return reason, error

    def _is_idle(self, outcome: Outcome, nodes: list[NodeRecord]) -> bool:
        """Whether the project has nothing for this command, which is said."""
        idle = outcome.success and not nodes and self.selection.idle(self.arguments)
        if idle:
            self.report.say("No source declares how old it may be, so there is nothing to look at.")
        return idle

    def _record(self, nodes: list[NodeRecord], reason: ExitReason, error: str | None) -> RunRecord:
        start, prepared, finished = self.known.start, self.known.prepared, datetime.now(UTC)
        return RunRecord(
            **dict(start),
            status=reason.status,
            exit_reason=reason,
            error=error,
            counts=counts_of(nodes),
            failures=failures_of(nodes),
            finished_at=finished,
            seconds=round((finished - start.started_at).total_seconds(), 3),
            invocation_id=self.report.invocation_id,
            sources=prepared.sources,
            stale=[
                source.model_copy(update={"message": self.redactor.text(source.message)})
                for source in prepared.verdict.stale
            ],
            left_out=prepared.verdict.left_out,
            notes=self.report.notes,
        )

    def _compiled(self, outcome: Outcome) -> Mapping[str, str]:
        """The SQL of `dbt compile`, where there is a folder for it."""
        compiles = self.arguments.command == Command.COMPILE and self.folder is not None
        return compiled_of(outcome.results) if compiles else {}

    def _publish(self, record: RunRecord, nodes: list[NodeRecord], sql: Mapping[str, str]) -> Summary:
        if self.folder is None:
            return Summary.of(record, None)
        publication = Publication(
            folder=self.folder,
            workspace=self.workspace,
            prepared=self.known.prepared,
            command=self.arguments.command,
            report=self.report,
            redactor=self.redactor,
            termination=self.termination,
            heartbeat=self.heartbeat,
            selected=self.selection.selected,
            compiled=sql,
        )
        return publication.publish(record, nodes)
