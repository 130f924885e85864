"""`podbt run -- ARGUMENTS`: the entry point of the dbt image. ARGUMENTS are dbt's own."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from podbt import constants
from podbt.contract.exits import ExitCode, ExitReason
from podbt.contract.kinds import Command
from podbt.contract.record import Summary
from podbt.errors import PodbtError
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.dbt.classify import reason_of
from podbt.runner.dbt.invoke import invoke
from podbt.runner.prepare.prepared import check_and_resolve
from podbt.runner.prepare.state import Resolved
from podbt.runner.process.environment import Environment, termination_log
from podbt.runner.process.interrupts import Interrupts, follow_standard_input
from podbt.runner.process.redact import RedactedStream, Redactor
from podbt.runner.report.termination import leave_message
from podbt.runner.run import RecordedRun
from podbt.store.failures import store_errors, unreachable


def run(words: Sequence[str], interrupts: Interrupts | None = None) -> int:
    """Runs one dbt command with record, publication and exit reason.

    Args:
        words: dbt's own arguments.
        interrupts: Installed already, where the caller was quicker than this module's imports.

    Returns:
        The process's exit code, see `podbt.contract.exits.ExitCode`.
    """
    arguments = Arguments.parse(words[words[:1] == ["dbt"] :])  # as people type it, and as Cosmos passes it
    if interrupts is None:
        interrupts = Interrupts()
        interrupts.install()
    follow_standard_input()
    started, redactor = datetime.now(UTC), Redactor(set())
    try:
        environment = Environment.read()
        redactor = Redactor.collect(environment.profiles / constants.PROFILES_FILE)
        sys.stdout, sys.stderr = RedactedStream(sys.stdout, redactor), RedactedStream(sys.stderr, redactor)
        resolved = check_and_resolve(arguments, environment, redactor)
        if not environment.orchestrated and arguments.command not in set(Command):
            return _pass_through(resolved, environment, interrupts)
        if resolved.note:
            print(f"podbt: {resolved.note}", flush=True)
        return RecordedRun(
            arguments, resolved, environment, interrupts=interrupts, redactor=redactor, started=started
        ).execute()
    except PodbtError as error:
        return _refuse(reason_of(error), redactor.text(str(error)))
    except store_errors() as error:  # such as a bucket that fails while an earlier try or a state is read from it
        root = os.environ.get(constants.ENV_ARTIFACTS) or constants.ARTIFACTS_PATH
        return _refuse(ExitReason.ARTIFACT_ERROR, redactor.text(str(unreachable(root, error))))
    except KeyboardInterrupt:
        return _refuse(ExitReason.INTERRUPTED, "The run was told to stop.")


def _pass_through(resolved: Resolved, environment: Environment, interrupts: Interrupts) -> int:
    """Commands such as ls, debug or --version: dbt's own output and exit code, no record."""
    interrupts.allow()
    outcome = invoke(resolved.arguments, environment, seams=resolved.seams)
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
        leave_message(log, Summary(status=reason.status, exit_reason=reason, error=error))
    return reason.exit_code
