"""`podbt run -- ARGUMENTS`: the entry point of the dbt image. ARGUMENTS are dbt's own, of one command or of several."""

import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from podbt import constants
from podbt.contract.exits import ExitCode, ExitReason
from podbt.contract.kinds import Command
from podbt.contract.record import Summary
from podbt.errors import PodbtError
from podbt.runner import sequence
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.dbt.classify import reason_of
from podbt.runner.dbt.invoke import Dbt
from podbt.runner.prepare.prepared import check_and_resolve
from podbt.runner.prepare.state import Resolved
from podbt.runner.process.environment import Environment, termination_log
from podbt.runner.process.interrupts import Interrupts, follow_standard_input
from podbt.runner.process.redact import RedactedStream, Redactor
from podbt.runner.report.termination import Termination
from podbt.runner.run import record
from podbt.store.failures import store_errors, unreachable


def run(words: Sequence[str], interrupts: Interrupts | None = None) -> int:
    """Runs a dbt command, or several in order, with record, publication and exit reason.

    Args:
        words: dbt's own arguments. Between those of two commands stands && or ; as in a shell.
        interrupts: Installed already, where the caller was quicker than this module's imports.

    Returns:
        The process's exit code, see `podbt.contract.exits.ExitCode`.
    """
    if interrupts is None:
        interrupts = Interrupts()
        interrupts.install()
    follow_standard_input()
    return _guarded(partial(_begin, words, interrupts), Redactor(set()))


def _begin(words: Sequence[str], interrupts: Interrupts) -> int:
    started = datetime.now(UTC)
    parts, environment = sequence.parse(words), Environment.read()
    redactor = Redactor.collect(environment.workspace.profiles / constants.PROFILES_FILE)
    sys.stdout, sys.stderr = RedactedStream(sys.stdout, redactor), RedactedStream(sys.stderr, redactor)

    def one(arguments: Arguments, of_it: Environment, began: datetime | None = None) -> int:
        return _guarded(partial(_command, arguments, of_it, interrupts, redactor, began or datetime.now(UTC)), redactor)

    if len(parts) == 1:
        return one(parts[0].arguments, environment, started)
    work = partial(sequence.run_in_order, parts, environment, interrupts, one=one, hide=redactor.text)
    return _guarded(work, redactor)


def _command(
    arguments: Arguments, environment: Environment, interrupts: Interrupts, redactor: Redactor, started: datetime
) -> int:
    resolved = check_and_resolve(arguments, environment, redactor)
    if not environment.orchestrated and arguments.command not in set(Command):
        return _pass_through(resolved, Dbt(workspace=environment.workspace), interrupts)
    if resolved.note:
        print(f"podbt: {resolved.note}", flush=True)
    return record(arguments, resolved, environment, interrupts=interrupts, redactor=redactor, started=started)


def _guarded(work: Callable[[], int], redactor: Redactor) -> int:
    """Does the work, and ends the run in one line where that refuses to begin."""
    try:
        return work()
    except PodbtError as error:
        return _refuse(reason_of(error), redactor.text(str(error)))
    except store_errors() as error:  # such as a bucket that fails while an earlier try or a state is read from it
        root = os.environ.get(constants.ENV_ARTIFACTS) or constants.ARTIFACTS_PATH
        return _refuse(ExitReason.ARTIFACT_ERROR, redactor.text(str(unreachable(root, error))))
    except KeyboardInterrupt:
        return _refuse(ExitReason.INTERRUPTED, "The run was told to stop.")


def _pass_through(resolved: Resolved, dbt: Dbt, interrupts: Interrupts) -> int:
    """Commands such as ls, debug or --version: dbt's own output and exit code, no record."""
    interrupts.allow()
    outcome = dbt.invoke(resolved.arguments, seams=resolved.seams)
    interrupts.hold()
    if isinstance(outcome.exception, KeyboardInterrupt):
        raise KeyboardInterrupt
    if outcome.exception is not None:
        print(f"podbt: {outcome.exception}", file=sys.stderr, flush=True)
        return ExitCode.CONFIG
    return ExitCode.OK if outcome.success else ExitCode.NODE_FAILED


def _refuse(reason: ExitReason, error: str) -> int:
    """Ends a run that never began."""
    print(f"podbt: {error}", file=sys.stderr, flush=True)
    log = termination_log()
    if os.environ.get(constants.ENV_DAG_ID) and log.exists():
        Termination(log).leave(Summary(status=reason.status, exit_reason=reason, error=error))
    return reason.exit_code
