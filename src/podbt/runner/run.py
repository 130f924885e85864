"""One recorded run: prepared, run, published."""

import contextlib
import os
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from podbt import constants
from podbt.contract.exits import ExitReason
from podbt.contract.journal import settle
from podbt.contract.kinds import Command
from podbt.contract.record import NodeRecord, RunRecord, RunStart, Summary, counts_of, failures_of
from podbt.errors import ArtifactError, ConfigError, PodbtError
from podbt.runner.database.locks import TableLocks
from podbt.runner.database.sessions import Sessions
from podbt.runner.database.stop import Stopper
from podbt.runner.dbt.arguments import STATE, TARGET, Arguments
from podbt.runner.dbt.causes import Causes
from podbt.runner.dbt.classify import classify, reason_of
from podbt.runner.dbt.connection import invoke_patiently
from podbt.runner.dbt.invoke import Connection, Outcome, invoke
from podbt.runner.dbt.microbatch import Microbatch, invocation_started_at
from podbt.runner.dbt.records import compiled_of, complete
from podbt.runner.dbt.selection import Selection
from podbt.runner.prepare.debts import Debts
from podbt.runner.prepare.freshness import Verdict
from podbt.runner.prepare.prepared import Prepared, look_at_sources
from podbt.runner.prepare.resume import decide
from podbt.runner.prepare.skew import baked_plan
from podbt.runner.prepare.state import Resolved
from podbt.runner.prepare.variables import fingerprint
from podbt.runner.process.environment import Environment, profile_target
from podbt.runner.process.interrupts import Interrupts
from podbt.runner.process.redact import RedactedStream, Redactor
from podbt.runner.process.scratch import clean
from podbt.runner.publish.produced import compiled_name, with_sql
from podbt.runner.publish.publication import Publication
from podbt.runner.report.console import Console
from podbt.runner.report.emit import Emitter, Progress
from podbt.runner.report.journal import Journal, Listener
from podbt.runner.report.termination import leave_message
from podbt.store import tries
from podbt.store.alive import Heartbeat, is_alive
from podbt.store.failures import store_errors, unreachable
from podbt.store.run_folder import RunFolder
from podbt.store.sink import FileSink


class RecordedRun:
    """Everything around one dbt command.

    It is made and published while signals are only remembered; between the two, `execute` lets them interrupt.
    """

    def __init__(
        self, arguments: Arguments, resolved: Resolved, environment: Environment, *, interrupts: Interrupts,
        redactor: Redactor, started: datetime,
    ) -> None:  # fmt: skip
        """Reserves the run's folder and starts its journal.

        Raises:
            ArtifactError: The store does not take it, or an earlier try of the same task instance still runs.
        """
        self._arguments = arguments
        self._resolved = resolved
        self._prepared = Prepared(verdict=Verdict(arguments=resolved.arguments))
        self._command = arguments.command
        self._environment = environment
        self._interrupts = interrupts
        self._redactor = redactor
        self._finished = threading.Lock()
        self._earlier = self._look_back()
        clean(environment, self._command, state_given=arguments.value(STATE) is not None)
        environment.scratch.mkdir(parents=True, exist_ok=True)
        self._folder = self._reserve()
        self._plan = baked_plan(environment.baked)
        self._start = self._describe(started)
        self._console = Console(dbts_own=environment.dbts_output, folder=self._folder.path if self._folder else None)
        self._emitter = Emitter(Progress.of(self._plan), _written) if environment.events else None
        listeners: tuple[Listener, ...] = (self._console, self._emitter) if self._emitter else (self._console,)
        self._causes = Causes()
        self._microbatch = self._book()
        self._journal = Journal(
            self._folder.sink() if self._folder else FileSink(environment.scratch / constants.NODES_FILE),
            redactor,
            listeners=listeners,
            interrupted=lambda: self._interrupts.requested,
            keep_sql=self._keep_sql,
            causes=self._causes,
            microbatch=self._microbatch,
        )
        self._selection = Selection(expect=self._expect, again=self._journal.reopen)
        self._heartbeat = Heartbeat(
            self._start,
            self._folder.beat if self._folder else None,
            lost=interrupts.request,
            also=self._emitter.tick if self._emitter else lambda: None,
        )
        self._sessions = Sessions()
        self._stopper = Stopper(
            interrupts,
            self._sessions,
            grace_seconds=environment.grace_seconds,
            give_up=self._give_up,
            last=self._exit_now,
        )
        self._left: Summary | None = None
        self._resumed = False
        self._database: str | None = None
        self._notes: list[str] = []

    def _book(self) -> Microbatch:
        """Asks the store for what earlier runs left, where there is one."""
        store = self._environment.artifacts
        if store is None or self._folder is None:
            return Microbatch(self._causes)
        debts = Debts(store, lambda: self._start, own=self._folder.path)
        return Microbatch(self._causes, owed=debts.of, gap=debts.gap, say=self._console.say, warn=self._warn)

    def _reserve(self) -> RunFolder | None:
        """A failing store is tried again for half of the grace period: the rest is for cancelling queries."""
        environment = self._environment
        if environment.artifacts is None:
            return None
        patience = environment.grace_seconds / 2
        return RunFolder.reserve(
            environment.artifacts, environment.identity, scratch=environment.scratch, patience_seconds=patience
        )

    def execute(self) -> int:
        """Runs dbt and publishes.

        Returns:
            The process's exit code.
        """
        outcome = Outcome(success=False, exception=None, results=[])
        self._locks = TableLocks(
            self._environment,
            self._command,
            say=self._console.say,
            warn=self._warn,
            stop=self._interrupts.request,
            stopping=lambda: self._interrupts.requested,
        )
        self._heartbeat.start()
        if self._emitter:
            self._emitter.begin([])
        self._stopper.start()
        try:
            self._interrupts.allow()
            with self._locks.held():
                outcome = self._invoke()
            self._interrupts.hold()
        except KeyboardInterrupt as interrupt:
            self._interrupts.hold()
            if not outcome.success:
                outcome = Outcome(success=False, exception=interrupt, results=outcome.results)
        except PodbtError as error:
            self._interrupts.hold()
            self._refuse(error)
        except store_errors() as error:  # before dbt begins the store is asked how fresh the sources were
            self._interrupts.hold()
            self._refuse(unreachable(self._environment.artifacts, error))
        self._stopper.end()
        with self._finished:  # not given back to the thread that would end the process otherwise
            return self._finish(outcome)

    def _refuse(self, error: PodbtError) -> None:
        refusal = reason_of(error), str(error)
        self._prepared = Prepared(verdict=Verdict(arguments=self._resolved.arguments, refusal=refusal))

    def _invoke(self) -> Outcome:
        """Looks at the sources where the step asks for it, then runs dbt."""
        self._prepared = look_at_sources(self._resolved, self._environment, self._start.target, self._sessions)
        verdict = self._prepared.verdict
        for line in verdict.lines():
            self._console.say(line)
        if verdict.refusal:
            return Outcome(success=False, exception=None, results=[])
        return invoke_patiently(
            lambda: invoke(
                verdict.arguments,
                self._environment,
                callbacks=[self._journal.on_event, self._console.on_event],
                seams=[
                    self._causes.seams,
                    self._microbatch.seams,
                    self._sessions.seams,
                    self._selection.seams,
                    self._locks.seams,
                    *self._resolved.seams,
                ],
                on_connection=self._connected,
                on_parsed=lambda manifest, config: self._resume(
                    fingerprint(manifest, config, self._environment.identity)
                ),
            ),
            has_begun=lambda: self._journal.has_begun,
            wait_seconds=self._environment.connection_wait_seconds,
            say=self._console.say,
        )

    def _warn(self, line: str) -> None:
        """Stopping ends the session that holds the locks with all others, which is no news."""
        if not self._interrupts.requested:
            self._console.say(line)
            self._notes.append(line)

    def _expect(self, unique_ids: set[str]) -> None:
        self._console.expect(unique_ids)
        if self._emitter:
            self._emitter.expect(unique_ids)

    def _look_back(self) -> tries.Attempt | None:
        """What an earlier try of this task instance did; publishes what a killed one left."""
        environment = self._environment
        if environment.artifacts is None or not environment.orchestrated:
            return None
        settled = tries.settle_earlier(
            environment.artifacts,
            environment.identity,
            grace_seconds=environment.grace_seconds,
            alive=lambda store, folder: is_alive(store, folder, sleep=self._interrupts.sleep),
        )
        for path in settled:
            print(f"podbt: published what a lost try left: {path}", flush=True)
        try:
            return tries.latest(environment.artifacts, environment.identity)
        except ConfigError as error:
            print(f"podbt: an earlier try cannot be read, so everything runs: {error}", flush=True)
            return None

    def _connected(self, connection: Connection) -> None:
        self._start = self._start.model_copy(update={"target": connection.target})
        self._database = connection.fingerprint

    def _resume(self, variables: str) -> None:
        """Decides, now that dbt has parsed the project, whether the earlier try may be gone on from."""
        # Both only now: a try with them is one that got as far as this decision.
        known = {"database": self._database, "variables": variables, "invocation_started_at": invocation_started_at()}
        self._start = self._start.model_copy(update=known)
        if self._resumed:  # dbt may be invoked again, say to try the connection once more
            return
        self._resumed = True
        decision = decide(self._earlier, self._start, command=self._command, wanted=self._environment.resume)
        if decision.line:
            self._console.say(self._redactor.text(decision.line))
        self._start = self._start.model_copy(update={"resumed_from": decision.resumed_from})
        if decision.done:
            nodes = list(decision.done)
            self._selection.leave_out(nodes)
            self._journal.carry(nodes)
            self._console.carried(nodes)
            if self._emitter:
                self._emitter.begin(nodes)
        with contextlib.suppress(ArtifactError):  # the next beat writes it again
            self._heartbeat.update(self._start)

    def _give_up(self) -> None:
        """Ends the process from another thread: the main one did not come back in time."""
        if self._finished.acquire(blocking=False):
            try:
                self._finish(Outcome(success=False, exception=KeyboardInterrupt(), results=[]))
                sys.stdout.flush()
            finally:  # whatever went wrong: nobody else can end it now
                self._exit_now()

    def _exit_now(self) -> None:
        """Ends the process at once, with what was said of the run or, where nothing was yet, that it was stopped."""
        if self._left is None:
            said = "The run was told to stop and could not publish in time; podbt runs recover publishes its journal."
            reason = ExitReason.INTERRUPTED
            self._leave(Summary(status=reason.status, exit_reason=reason, error=said, target=self._start.target))
        os._exit(self._left.exit_reason.exit_code if self._left else ExitReason.INTERRUPTED.exit_code)

    def _keep_sql(self, unique_id: str, path: str) -> str | None:
        """Copies a failed node's compiled SQL to the store at once: its pod may not live to publish."""
        compiled = self._environment.target_path / "compiled"
        found = next((file for file in compiled.rglob(Path(path).name) if file.as_posix().endswith(path)), None)
        if found is None or self._folder is None:
            return str(found) if found else None
        name = compiled_name(unique_id)
        try:
            self._folder.write(name, self._redactor.content(found.read_bytes()))
        except (OSError, ArtifactError):
            return None
        return name

    def _finish(self, outcome: Outcome) -> int:
        self._journal.close()
        interrupted = self._interrupts.requested and not outcome.success
        ended = complete(self._journal.nodes, outcome.results, self._causes)
        sql = compiled_of(outcome.results) if self._command == Command.COMPILE and self._folder else {}
        nodes = [self._redactor.node(with_sql(node, sql)) for node in settle(ended)]
        idle = outcome.success and not nodes and self._selection.idle(self._resolved.arguments)
        if idle:
            self._console.say("No source declares how old it may be, so there is nothing to look at.")
        # An interrupt wins over a refusal: dbt fails at whatever it is interrupted in, also while it looks at sources.
        reason, error = (None if interrupted else self._prepared.verdict.refusal) or classify(
            command=self._command,
            success=outcome.success,
            exception=outcome.exception,
            nodes=nodes,
            interrupted=interrupted,
            allow_empty=self._environment.allow_empty,
            idle=idle,
            causes=self._causes,
            said=self._console.said,
        )
        if reason is ExitReason.SUCCESS and self._prepared.verdict.stale:
            reason = ExitReason.WARNINGS
        if self._locks.refused and self._locks.stopped == (reason is ExitReason.INTERRUPTED):
            reason, error = ExitReason.BUSY, self._locks.refused
        summary = self._publish(self._record(nodes, reason, error and self._redactor.text(error)), nodes, sql)
        self._heartbeat.stop()
        self._leave(summary)
        self._console.report(summary)
        if self._emitter:
            self._emitter.end(summary.exit_reason, nodes)
        return summary.exit_reason.exit_code

    def _publish(self, record: RunRecord, nodes: list[NodeRecord], sql: Mapping[str, str]) -> Summary:
        if self._folder is None:
            return Summary.of(record, None)
        publication = Publication(
            folder=self._folder,
            environment=self._environment,
            prepared=self._prepared,
            command=self._command,
            selected=self._selection.selected,
            journal=self._journal,
            redactor=self._redactor,
            say=self._console.say,
            leave=self._leave,
            stop_beating=self._heartbeat.stop,
            compiled=sql,
        )
        return publication.publish(record, nodes)

    def _leave(self, summary: Summary) -> None:
        self._left = summary
        if self._environment.termination_log:
            leave_message(self._environment.termination_log, summary)

    def _describe(self, started: datetime) -> RunStart:
        environment = self._environment
        return RunStart(
            identity=environment.identity,
            command=[self._redactor.text(word) for word in self._arguments.words],
            target=self._arguments.value(TARGET) or profile_target(environment),
            started_at=started,
            image=environment.image,
            revision=environment.revision,
            plan_hash=self._plan.hash if self._plan else None,
            podbt_version=version("podbt"),
            dbt_version=version("dbt-core"),
        )

    def _record(self, nodes: list[NodeRecord], reason: ExitReason, error: str | None) -> RunRecord:
        finished = datetime.now(UTC)
        return RunRecord(
            **dict(self._start),
            status=reason.status,
            exit_reason=reason,
            error=error,
            counts=counts_of(nodes),
            failures=failures_of(nodes),
            finished_at=finished,
            seconds=round((finished - self._start.started_at).total_seconds(), 3),
            invocation_id=self._journal.invocation_id,
            sources=self._prepared.sources,
            stale=[
                source.model_copy(update={"message": self._redactor.text(source.message)})
                for source in self._prepared.verdict.stale
            ],
            left_out=self._prepared.verdict.left_out,
            notes=self._notes,
        )


def _written() -> int:
    return sys.stdout.written if isinstance(sys.stdout, RedactedStream) else 0
