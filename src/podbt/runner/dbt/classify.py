"""From what dbt returned to one exit reason and one line that says why."""

import re

from podbt.contract.exits import ExitReason
from podbt.contract.kinds import ANSWERED_STATUSES, CHECKS, NODE_COMMANDS, NodeStatus
from podbt.contract.record import Failure, NodeRecord, failures_of, shorten
from podbt.errors import ArtifactError, PodbtError, SkewError

_LINE_CHARS = 700

# libpq's and psycopg2's words. The login is checked first: a refused login is also a failed connection.
_LOGIN = re.compile(
    r"(password authentication failed for user[^\n]*|no password supplied|no pg_hba\.conf entry[^\n]*"
    r"|role \"[^\"]*\" does not exist|database \"[^\"]*\" does not exist|permission denied for database[^\n]*)",
)
_CONNECTION = re.compile(
    r"(could not translate host name[^\n]*|Connection refused|Connection timed out|timeout expired"
    r"|No route to host|Network is unreachable|server closed the connection unexpectedly|SSL connection has been closed"
    r"|the database system is (?:starting up|shutting down|in recovery mode)|terminating connection due to [^\n]*"
    r"|connection already closed|connection not open|too many clients already"
    r"|remaining connection slots are reserved|could not connect to server[^\n]*|connection to server [^\n]* failed)",
)
# dbt's words for a node whose SQL it cannot make; the same files give the same error again.
_COMPILATION = re.compile(r"^\s*(Compilation|Parsing|Dependency) Error\b")


def classify(
    *, command: str | None, success: bool, exception: BaseException | None, nodes: list[NodeRecord], interrupted: bool,
    allow_empty: bool,
) -> tuple[ExitReason, str | None]:  # fmt: skip
    """Decides how a run ended.

    Args:
        command: The dbt command.
        success: dbt's own verdict.
        exception: What dbt raised instead of a result.
        nodes: Every node that ended.
        interrupted: Whether a signal asked the run to stop.
        allow_empty: Whether having found nothing to do is fine.

    Returns:
        The reason and, unless all is well, one line for people.
    """
    if interrupted or isinstance(exception, KeyboardInterrupt):
        ended = sum(node.status not in {NodeStatus.STARTED, NodeStatus.INTERRUPTED} for node in nodes)
        return ExitReason.INTERRUPTED, f"The run was told to stop; {ended} nodes had ended."
    # Carried-over nodes prove nothing: this try's pod has a Secret of its own.
    logged_in = any(node.status in ANSWERED_STATUSES and node.from_try is None for node in nodes)
    if exception is not None:
        told = of_message(_plain(exception), logged_in=logged_in)
        return told or (ExitReason.CONFIG_ERROR, shorten(_plain(exception), _LINE_CHARS))
    failing = [node for node in nodes if node.failed]
    if failing:
        return _of_nodes(failing, total=len(nodes), logged_in=logged_in)
    if not success:
        return ExitReason.NODE_FAILURE, "dbt reports a failure but names no node; see dbt.log."
    if command in NODE_COMMANDS and not nodes and allow_empty:
        return ExitReason.NOTHING_TO_DO, None
    if command in NODE_COMMANDS and not nodes:
        return ExitReason.EMPTY_SELECTION, (
            "The selection matches no node, so nothing ran. Check the selection, or allow it to be empty."
        )
    if any(node.status == NodeStatus.WARN for node in nodes):
        return ExitReason.WARNINGS, None
    return ExitReason.SUCCESS, None


def _of_nodes(failing: list[NodeRecord], *, total: int, logged_in: bool) -> tuple[ExitReason, str]:
    told = [of_message(node.message or "", logged_in=logged_in) for node in failing]
    if told[0] and len({reason[0] if reason else None for reason in told}) == 1:
        return told[0]
    first: Failure = failures_of(failing)[0]
    more = f" (and {len(failing) - 1} more)" if len(failing) > 1 else ""
    line = f"{len(failing)} of {total} nodes failed: {first.unique_id}: {first.message or first.status}{more}"
    if all(_COMPILATION.match(node.message or "") for node in failing):
        reason = ExitReason.CONFIG_ERROR
    elif all(node.resource_type in CHECKS and node.status == NodeStatus.FAIL for node in failing):
        reason = ExitReason.TEST_FAILURE
    else:
        reason = ExitReason.NODE_FAILURE
    return reason, shorten(line, _LINE_CHARS)


def reason_of(error: PodbtError) -> ExitReason:
    """The exit reason of a run that one of podbt's own errors ended."""
    if isinstance(error, ArtifactError):
        return ExitReason.ARTIFACT_ERROR
    return ExitReason.SKEW if isinstance(error, SkewError) else ExitReason.CONFIG_ERROR


def of_message(message: str, *, logged_in: bool = False) -> tuple[ExitReason, str] | None:
    """The reason and line of a database's message about the way to it; None where it says something else.

    Args:
        message: The message.
        logged_in: Whether the same login worked earlier in this run. A refusal then means that the password was
            rotated, and the next try, whose pod reads the Secret anew, has the new one.
    """
    match = _LOGIN.search(message)
    if match and logged_in:
        return ExitReason.CONNECTION_ERROR, (
            f"The database refused a login that had worked in this run: {match[0]}. "
            "If the password was rotated, the next try takes the new one from the profiles Secret."
        )
    if match:
        return ExitReason.CONFIG_ERROR, f"The database refused the login: {match[0]}. Check the profiles Secret."
    if match := _CONNECTION.search(message):
        return ExitReason.CONNECTION_ERROR, f"The database cannot be reached: {match[0]}."
    return None


def _plain(exception: BaseException) -> str:
    return str(exception) or type(exception).__name__
