"""From what dbt returned to one exit reason and one line that says why."""

import re
from importlib.metadata import version

from podbt.contract.exits import ExitReason
from podbt.contract.kinds import ANSWERED_STATUSES, NODE_COMMANDS, NodeStatus
from podbt.contract.record import Failure, NodeRecord, failures_of, shorten
from podbt.errors import ArtifactError, PodbtError, SkewError
from podbt.runner.dbt.cause import Cause, Stage, cause_of
from podbt.runner.dbt.causes import Causes

_LINE_CHARS = 700

# dbt's words for a node whose SQL it cannot make; the same files give the same error again.
_COMPILATION = re.compile(
    r"^(?:(?:pre|post)-hook \d+ of \d+ \(.*?\): )?\s*(Compilation|Parsing|Dependency) Error\b", re.DOTALL
)
_UNKNOWN = re.compile(r"No such (?:option|command)")


def classify(
    *, command: str | None, success: bool, exception: BaseException | None, nodes: list[NodeRecord], interrupted: bool,
    allow_empty: bool, idle: bool = False, causes: Causes | None = None, said: str | None = None,
) -> tuple[ExitReason, str | None]:  # fmt: skip
    """Decides how a run ended.

    Args:
        command: The dbt command.
        success: dbt's own verdict.
        exception: What dbt raised instead of a result.
        nodes: Every node that ended.
        interrupted: Whether a signal asked the run to stop.
        allow_empty: Whether having found nothing to do is fine.
        idle: Whether the project has nothing for this command, whatever is selected.
        causes: Why nodes failed, as far as the database is why.
        said: The last that dbt said.

    Returns:
        The reason and, unless all is well, one line for people.
    """
    if interrupted or isinstance(exception, KeyboardInterrupt):
        ended = sum(node.status not in {NodeStatus.STARTED, NodeStatus.INTERRUPTED} for node in nodes)
        return ExitReason.INTERRUPTED, f"The run was told to stop; {ended} nodes had ended."
    # Carried-over nodes prove nothing: this try's pod has a Secret of its own.
    logged_in = any(node.status in ANSWERED_STATUSES and node.from_try is None for node in nodes)
    if exception is not None:
        return of_error(exception, logged_in=logged_in)
    failing = [node for node in nodes if node.failed]
    if failing:
        return _of_nodes(failing, causes or Causes(), total=len(nodes), logged_in=logged_in)
    if not success:
        why = f": {shorten(said, _LINE_CHARS)}" if said else "; see dbt.log."
        return ExitReason.NODE_FAILURE, f"dbt reports a failure but names no node{why}"
    if not nodes and idle:
        return ExitReason.SUCCESS, None
    if command in NODE_COMMANDS and not nodes and allow_empty:
        return ExitReason.NOTHING_TO_DO, None
    if command in NODE_COMMANDS and not nodes:
        return ExitReason.EMPTY_SELECTION, (
            "The selection matches no node, so nothing ran. Check the selection, or allow it to be empty."
        )
    if any(node.status == NodeStatus.WARN for node in nodes):
        return ExitReason.WARNINGS, None
    return ExitReason.SUCCESS, None


def _of_nodes(failing: list[NodeRecord], causes: Causes, *, total: int, logged_in: bool) -> tuple[ExitReason, str]:
    told = [of_way(causes.of(node.unique_id), logged_in=logged_in) for node in failing]
    if told[0] and len({reason[0] if reason else None for reason in told}) == 1:
        return told[0]
    first: Failure = failures_of(failing)[0]
    more = f" (and {len(failing) - 1} more)" if len(failing) > 1 else ""
    line = f"{len(failing)} of {total} nodes failed: {first.unique_id}: {first.message or first.status}{more}"
    if all(_COMPILATION.match(node.message or "") for node in failing):
        reason = ExitReason.CONFIG_ERROR
    else:
        reason = ExitReason.of_failing(node.status for node in failing)
    return reason, shorten(line, _LINE_CHARS)


def reason_of(error: PodbtError) -> ExitReason:
    """The exit reason of a run that one of podbt's own errors ended."""
    if isinstance(error, ArtifactError):
        return ExitReason.ARTIFACT_ERROR
    return ExitReason.SKEW if isinstance(error, SkewError) else ExitReason.CONFIG_ERROR


def of_error(error: BaseException, *, logged_in: bool = False) -> tuple[ExitReason, str]:
    """The reason and line of a run that dbt ended with an error in place of a result.

    Args:
        error: What dbt raised.
        logged_in: As for `of_way`.
    """
    cause = cause_of(error)
    if told := of_way(cause, logged_in=logged_in):
        return told
    if cause is None:
        # Of an option that came with a later dbt it matters which one the image has.
        which = f" The image has dbt {version('dbt-core')}." if _UNKNOWN.match(_plain(error)) else ""
        return ExitReason.CONFIG_ERROR, shorten(_plain(error), _LINE_CHARS) + which
    line = f"{cause.words}, when dbt ran: {cause.statement}." if cause.statement else f"{cause.words}."
    if cause.denied:
        line += " Give the profile's user that right."
    return ExitReason.CONNECTION_ERROR if cause.passing else ExitReason.CONFIG_ERROR, shorten(line, _LINE_CHARS)


def of_way(cause: Cause | None, *, logged_in: bool = False) -> tuple[ExitReason, str] | None:
    """The reason and line of a cause that is about the way to the database; None where it is about something else.

    Args:
        cause: The cause, if one is known.
        logged_in: Whether the same login worked earlier in this run. A refusal then means that the password was
            rotated, and the next try, whose pod reads the Secret anew, has the new one.
    """
    if cause is None or cause.stage is Stage.STATEMENT:
        return None
    words = shorten(cause.words, _LINE_CHARS)
    if cause.passing:
        return ExitReason.CONNECTION_ERROR, f"The database cannot be reached: {words}."
    if logged_in and cause.stage is Stage.LOGIN:
        return ExitReason.CONNECTION_ERROR, (
            f"The database refused a login that had worked in this run: {words}. "
            "If the password was rotated, the next try takes the new one from the profiles Secret."
        )
    if logged_in:
        return ExitReason.CONNECTION_ERROR, f"The database refused a connection that had worked in this run: {words}."
    if cause.stage is Stage.LOGIN:
        return ExitReason.CONFIG_ERROR, f"The database refused the login: {words}. Check the profiles Secret."
    return ExitReason.CONFIG_ERROR, f"The profile's connection cannot be made: {words}. Check the profiles Secret."


def _plain(exception: BaseException) -> str:
    return str(exception) or type(exception).__name__
