"""One recorded run, told from its beginning to its end."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from importlib.metadata import version

from podbt import constants
from podbt.contract.kinds import WRITING_COMMANDS
from podbt.contract.plan import Plan
from podbt.contract.record import RunStart
from podbt.errors import ConfigError, PodbtError
from podbt.runner.database.locks import TableLocks
from podbt.runner.database.sessions import Sessions
from podbt.runner.database.stop import Stopper
from podbt.runner.dbt.arguments import STATE, Arguments
from podbt.runner.dbt.causes import Causes
from podbt.runner.dbt.connection import invoke_patiently
from podbt.runner.dbt.invoke import Dbt, Outcome
from podbt.runner.dbt.microbatch import Microbatch
from podbt.runner.dbt.parsing import telling
from podbt.runner.dbt.seams import Seams
from podbt.runner.dbt.selection import Selection
from podbt.runner.observers import told_by
from podbt.runner.prepare.debts import Debts
from podbt.runner.prepare.freshness import Verdict
from podbt.runner.prepare.prepared import Known, Prepared, look_at_sources
from podbt.runner.prepare.resume import Resumption
from podbt.runner.prepare.skew import baked_plan
from podbt.runner.prepare.state import Resolved
from podbt.runner.process.environment import Environment
from podbt.runner.process.interrupts import Interrupts
from podbt.runner.process.redact import Redactor
from podbt.runner.process.scratch import clean
from podbt.runner.publish.ending import Ending
from podbt.runner.report.compiled import CompiledSql
from podbt.runner.report.console import Console
from podbt.runner.report.emit import Emitter, Progress
from podbt.runner.report.journal import Journal
from podbt.runner.report.report import Listener, Report
from podbt.runner.report.termination import Termination
from podbt.store import tries
from podbt.store.alive import Heartbeat, is_alive
from podbt.store.failures import store_errors, unreachable
from podbt.store.run_folder import RunFolder
from podbt.store.sink import FileSink


def record(
    arguments: Arguments,
    resolved: Resolved,
    environment: Environment,
    *,
    interrupts: Interrupts,
    redactor: Redactor,
    started: datetime,
) -> int:
    """Runs one dbt command: looks back, reserves a folder, prepares, runs dbt, publishes.

    Signals are only remembered, but while it prepares and runs dbt: there one interrupts.

    Args:
        arguments: As they were given.
        resolved: As dbt understands them.
        environment: What the runner was told.
        interrupts: Installed.
        redactor: Keeps secrets out of all that is written.
        started: When the run began.

    Returns:
        The process's exit code.

    Raises:
        ArtifactError: The store does not take the run, or an earlier try of the same task instance still runs.
        ConfigError: Something of an earlier run cannot be removed.
    """
    workspace, command = environment.workspace, arguments.command
    earlier = _look_back(environment, interrupts)
    clean(workspace, command, state_given=arguments.value(STATE) is not None)
    workspace.scratch.mkdir(parents=True, exist_ok=True)
    folder = _reserve(environment)

    dbt, plan = Dbt(workspace=workspace, prints=environment.dbts_output), baked_plan(workspace.baked)
    command_line = [redactor.text(word) for word in arguments.words]
    start = _describe(environment, command_line, target=dbt.target_of(arguments), plan=plan, started=started)
    known = Known(start=start, prepared=Prepared(verdict=Verdict(arguments=resolved.arguments)))
    sessions, causes = Sessions(), Causes()
    console = Console(dbts_own=environment.dbts_output, folder=folder.path if folder else None)
    microbatch = _book(environment, folder, known, causes, console)
    journal = Journal(
        folder.sink() if folder else FileSink(workspace.scratch / constants.NODES_FILE),
        redactor=redactor,
        interrupts=interrupts,
        compiled=CompiledSql(workspace.target / "compiled", folder, redactor),
        causes=causes,
        microbatch=microbatch,
    )
    told = told_by(environment, command, start, hide=redactor.text, say=console.say)
    others: list[Listener] = [*([Emitter(Progress.of(plan))] if environment.events else []), *told]
    report = Report(journal, console, others, interrupts=interrupts, redactor=redactor, causes=causes)
    microbatch.warn_by(report.warn)
    heartbeat = Heartbeat(start, folder.beat if folder else None, lost=interrupts.request, also=report.tick)
    locks = TableLocks(
        environment.identity,
        enabled=environment.lock_tables and command in WRITING_COMMANDS,
        timeout_seconds=environment.queue_timeout_seconds,
        interrupts=interrupts,
        say=report.say,
        warn=report.warn,
    )
    selection = Selection(expect=report.expect, again=report.run_again)
    ending = Ending(
        known=known,
        arguments=resolved.arguments,
        allow_empty=environment.allow_empty,
        workspace=workspace,
        folder=folder,
        interrupts=interrupts,
        locks=locks,
        selection=selection,
        causes=causes,
        report=report,
        redactor=redactor,
        termination=Termination(environment.termination_log),
        heartbeat=heartbeat,
    )
    stopper = Stopper(interrupts, sessions, ending, grace_seconds=environment.grace_seconds)
    resumption = Resumption(
        known,
        earlier,
        command=command,
        wanted=environment.resume,
        selection=selection,
        report=report,
        heartbeat=heartbeat,
    )

    heartbeat.start()
    report.begin()
    stopper.start()
    parse = telling(resumption, *told)
    work = partial(
        _look_and_invoke,
        resolved,
        environment,
        dbt=dbt,
        known=known,
        report=report,
        sessions=sessions,
        seams=[
            causes.seams,
            microbatch.seams,
            selection.seams,
            locks.seams,
            parse,
            *resolved.seams,
        ],
    )
    outcome = _interruptible(work, locks, known, interrupts, environment.artifacts)
    stopper.end()
    return ending.finish(outcome)


def _interruptible(
    work: Callable[[], Outcome], locks: TableLocks, known: Known, interrupts: Interrupts, root: object
) -> Outcome:
    """Does the work while a signal interrupts it, and takes in what it raises."""
    outcome = Outcome(success=False, exception=None, results=[])
    try:
        interrupts.allow()
        with locks.held():
            outcome = work()
        interrupts.hold()
    except KeyboardInterrupt as interrupt:
        interrupts.hold()
        if not outcome.success:
            outcome = Outcome(success=False, exception=interrupt, results=outcome.results)
    except PodbtError as error:
        interrupts.hold()
        known.refuse(error)
    except store_errors() as error:  # before dbt begins the store is asked how fresh the sources were
        interrupts.hold()
        known.refuse(unreachable(root, error))
    return outcome


def _look_and_invoke(
    resolved: Resolved,
    environment: Environment,
    *,
    dbt: Dbt,
    known: Known,
    report: Report,
    sessions: Sessions,
    seams: list[Seams],
) -> Outcome:
    """Looks at the sources where the step asks for it, then runs dbt."""
    known.prepared = look_at_sources(resolved, environment, dbt, sessions, known.start.target)
    verdict = known.prepared.verdict
    for line in verdict.lines():
        report.say(line)
    if verdict.refusal:
        return Outcome(success=False, exception=None, results=[])
    return invoke_patiently(
        partial(dbt.invoke, verdict.arguments, callbacks=[report.on_event], seams=[sessions.seams, *seams]),
        has_begun=report.has_begun,
        wait_seconds=environment.connection_wait_seconds,
        say=report.say,
    )


def _look_back(environment: Environment, interrupts: Interrupts) -> tries.Attempt | None:
    """What an earlier try of this task instance did; publishes what a killed one left."""
    root, identity = environment.artifacts, environment.identity
    if root is None or not environment.orchestrated:
        return None
    alive = partial(is_alive, sleep=interrupts.sleep)
    for path in tries.settle_earlier(root, identity, grace_seconds=environment.grace_seconds, alive=alive):
        print(f"podbt: published what a lost try left: {path}", flush=True)
    try:
        return tries.latest(root, identity)
    except ConfigError as error:
        print(f"podbt: an earlier try cannot be read, so everything runs: {error}", flush=True)
        return None


def _reserve(environment: Environment) -> RunFolder | None:
    """A failing store is tried again for half of the grace period: the rest is for cancelling queries."""
    if environment.artifacts is None:
        return None
    patience, scratch = environment.grace_seconds / 2, environment.workspace.scratch
    return RunFolder.reserve(environment.artifacts, environment.identity, scratch=scratch, patience_seconds=patience)


def _book(
    environment: Environment, folder: RunFolder | None, known: Known, causes: Causes, console: Console
) -> Microbatch:
    """Keeps book of batches. Asks the store for what earlier runs left, where there is one."""
    if environment.artifacts is None or folder is None:
        return Microbatch(causes)
    debts = Debts(environment.artifacts, known.current, own=folder.path)
    return Microbatch(causes, owed=debts.of, gap=debts.gap, say=console.say)


def _describe(
    environment: Environment, command: list[str], *, target: str | None, plan: Plan | None, started: datetime
) -> RunStart:
    return RunStart(
        identity=environment.identity,
        command=command,
        target=target,
        started_at=started,
        image=environment.image,
        revision=environment.revision,
        plan_hash=plan.hash if plan else None,
        podbt_version=version("podbt"),
        dbt_version=version("dbt-core"),
    )
