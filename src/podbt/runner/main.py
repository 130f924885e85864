"""`podbt run -- ARGUMENTS`: the entry point of the dbt image. ARGUMENTS are dbt's own."""

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import yaml

from podbt import constants
from podbt.contract.exits import ExitCode, ExitReason
from podbt.contract.record import NodeRecord, RunRecord, Summary, counts_of, failures_of, shorten
from podbt.errors import ArtifactError, PodbtError
from podbt.runner.classify import classify, reason_of
from podbt.runner.command import BUILDING_COMMANDS, RECORDED_COMMANDS, command_of, option_of
from podbt.runner.connection import invoke_patiently
from podbt.runner.environment import Environment, profile_target
from podbt.runner.freshness import Verdict
from podbt.runner.interrupts import Interrupts
from podbt.runner.invoke import Outcome, complete, invoke
from podbt.runner.journal import Journal
from podbt.runner.locks import TableLocks
from podbt.runner.pointers import Pointers
from podbt.runner.prepare import Prepared, check_and_resolve, look_at_sources
from podbt.runner.publish import RunFolder
from podbt.runner.redact import Redactor
from podbt.runner.state import Resolved

_PUBLISHED = (constants.RUN_RESULTS_FILE, constants.SOURCES_FILE)


def run(arguments: Sequence[str]) -> int:
    """Runs one dbt command with record, publication and exit reason.

    Returns:
        The process's exit code, see `podbt.contract.exits.ExitCode`.
    """
    arguments = arguments[arguments[:1] == ["dbt"] :]  # as people type it, and as Cosmos passes it
    interrupts = Interrupts()
    interrupts.install()
    started = datetime.now(UTC)
    try:
        environment = Environment.read()
        resolved = check_and_resolve(arguments, environment)
        if not environment.orchestrated and command_of(arguments) not in RECORDED_COMMANDS:
            return _pass_through(resolved.arguments, environment)
        if resolved.note:
            _say(resolved.note)
        return _Run(arguments, resolved, environment, interrupts, started).execute()
    except PodbtError as error:
        return _refuse(reason_of(error), str(error))
    except KeyboardInterrupt:
        return _refuse(ExitReason.INTERRUPTED, "The run was told to stop before it began.")


def _pass_through(arguments: Sequence[str], environment: Environment) -> int:
    """Commands such as ls, debug or --version: dbt's own output and exit code, no record."""
    outcome = invoke(arguments, environment, None)
    if outcome.exception is not None:
        print(f"podbt: {outcome.exception}", file=sys.stderr, flush=True)
        return ExitCode.CONFIG
    return ExitCode.OK if outcome.success else ExitCode.NODE_FAILED


def _refuse(reason: ExitReason, error: str) -> int:
    """Ends a run that never began."""
    print(f"podbt: {error}", file=sys.stderr, flush=True)
    log = Path(constants.TERMINATION_LOG)
    if os.environ.get(constants.ENV_DAG_ID) and log.exists():
        _leave_message(log, Summary(status="failed", exit_reason=reason, error=error))
    return reason.exit_code


def _leave_message(path: Path, summary: Summary) -> None:
    with contextlib.suppress(OSError):  # the exit code still tells
        path.write_text(summary.to_termination_message(), encoding="utf-8")


class _Run:
    """One recorded run."""

    def __init__(
        self,
        arguments: Sequence[str],
        resolved: Resolved,
        environment: Environment,
        interrupts: Interrupts,
        started: datetime,
    ) -> None:
        self._arguments = list(arguments)
        self._resolved = resolved
        self._command = command_of(arguments)
        self._target = option_of(arguments, "--target", "-t") or profile_target(environment, _profile_name(environment))
        self._prepared = Prepared(verdict=Verdict(arguments=resolved.arguments))
        self._environment = environment
        self._interrupts = interrupts
        self._started = started
        self._redactor = Redactor.collect(environment.profiles / constants.PROFILES_FILE)
        self._folder = RunFolder(environment.artifacts, environment.identity) if environment.artifacts else None
        environment.scratch.mkdir(parents=True, exist_ok=True)
        place = self._folder.partial if self._folder else environment.scratch
        self._journal = Journal(place / constants.NODES_FILE, self._redactor)

    def execute(self) -> int:
        locks = TableLocks(self._environment, self._command, _say)
        try:
            with locks.held():
                outcome = self._invoke()
        except KeyboardInterrupt as interrupt:
            outcome = Outcome(success=False, exception=interrupt, results=[])
        except PodbtError as refused:
            refusal = reason_of(refused), str(refused)
            self._prepared = Prepared(verdict=Verdict(arguments=self._resolved.arguments, refusal=refusal))
            outcome = Outcome(success=False, exception=None, results=[])
        self._interrupts.hold()
        self._journal.close()
        nodes = [self._redactor.node(node) for node in complete(self._journal.nodes, outcome.results)]
        reason, error = self._prepared.verdict.refusal or classify(
            command=self._command,
            success=outcome.success,
            exception=outcome.exception,
            nodes=nodes,
            interrupted=self._interrupts.requested,
            allow_empty=self._environment.allow_empty,
        )
        if reason is ExitReason.SUCCESS and self._prepared.verdict.stale:
            reason = ExitReason.WARNINGS
        if locks.refused and reason is not ExitReason.INTERRUPTED:
            reason, error = ExitReason.BUSY, locks.refused
        record = self._record(nodes, reason, error and self._redactor.text(error))
        summary = self._publish(record, nodes)
        if self._environment.termination_log:
            _leave_message(self._environment.termination_log, summary)
        _report(summary)
        return summary.exit_reason.exit_code

    def _invoke(self) -> Outcome:
        """Looks at the sources where the step asks for it, then runs dbt."""
        self._prepared = look_at_sources(self._resolved, self._environment, self._target)
        verdict = self._prepared.verdict
        for line in verdict.lines():
            _say(line)
        if verdict.refusal:
            return Outcome(success=False, exception=None, results=[])
        return invoke_patiently(
            lambda: invoke(verdict.arguments, self._environment, self._journal),
            has_begun=lambda: bool(self._journal.nodes),
            wait_seconds=self._environment.connection_wait_seconds,
            say=_say,
        )

    def _record(self, nodes: list[NodeRecord], reason: ExitReason, error: str | None) -> RunRecord:
        environment, finished = self._environment, datetime.now(UTC)
        return RunRecord(
            identity=environment.identity,
            status=reason.status,
            exit_reason=reason,
            error=error,
            command=[self._redactor.text(word) for word in self._arguments],
            target=self._target,
            counts=counts_of(nodes),
            failures=failures_of(nodes),
            started_at=self._started,
            finished_at=finished,
            seconds=round((finished - self._started).total_seconds(), 3),
            image=environment.image,
            revision=environment.revision,
            plan_hash=_plan_hash(environment),
            podbt_version=version("podbt"),
            dbt_version=version("dbt-core"),
            invocation_id=self._journal.invocation_id,
            sources=self._prepared.sources,
            stale=self._prepared.verdict.stale,
            left_out=self._prepared.verdict.left_out,
        )

    def _publish(self, record: RunRecord, nodes: list[NodeRecord]) -> Summary:
        """Publishes the record; where that fails the run failed, whatever dbt did, and says both."""
        if self._folder is None:
            return Summary.of(record, None)
        environment = self._environment
        try:
            self._journal.check()
            pointers = Pointers(environment, self._prepared, self._command)
            whole = pointers.is_whole(record, nodes)
            produced = [environment.target_path / name for name in _PUBLISHED]
            produced.append(environment.log_path / constants.LOG_FILE)
            self._folder.add([file for file in produced if file.is_file()], self._redactor)
            manifest = environment.target_path / constants.MANIFEST_FILE
            if manifest.is_file():
                # An interrupt may have cut the file short; the record matters more.
                with contextlib.suppress(ValueError):
                    path = self._folder.add_manifest(manifest, self._redactor)
                    record = record.model_copy(update={"manifest": path})
            if self._prepared.measured or self._command == "source freshness":
                record = record.model_copy(update={"sources": f"{self._folder.path}/{constants.SOURCES_FILE}"})
            self._folder.publish(record, pointers=self._command in BUILDING_COMMANDS)
            pointers.move(self._folder, record, ran_nodes=bool(nodes), whole=whole)
        except (ArtifactError, OSError) as error:
            said = f"{error} (dbt itself ended with {record.exit_reason}{': ' + record.error if record.error else ''})"
            failed = record.model_copy(
                update={"status": "failed", "exit_reason": ExitReason.ARTIFACT_ERROR, "error": shorten(said, 1000)}
            )
            return Summary.of(failed, None)
        return Summary.of(record, self._folder.path)


def _say(line: str) -> None:
    print(f"podbt: {line}", flush=True)


def _report(summary: Summary) -> None:
    counts = ", ".join(f"{count} {status}" for status, count in summary.counts.items() if status != "total")
    line = f"podbt: {summary.exit_reason}: {summary.counts.get('total', 0)} nodes in {summary.seconds:.1f} s"
    print(line + (f" ({counts})" if counts else ""), flush=True)
    if summary.artifacts:
        print(f"podbt: artifacts: {summary.artifacts}", flush=True)
    if summary.error:
        print(f"podbt: {summary.error}", file=sys.stderr, flush=True)


def _profile_name(environment: Environment) -> str | None:
    try:
        data = yaml.safe_load((environment.project / "dbt_project.yml").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return None
    return data.get("profile") if isinstance(data, dict) else None


def _plan_hash(environment: Environment) -> str | None:
    if environment.baked is None:
        return None
    try:
        plan = json.loads((environment.baked / constants.PLAN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return str(plan.get("hash")) if isinstance(plan, dict) else None
