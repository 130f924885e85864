"""How a step ended, as whoever watched it can tell: a pod, a container or a process."""

from dataclasses import dataclass

from podbt.contract.exits import ExitCode, ExitReason
from podbt.contract.record import Summary, shorten
from podbt.errors import ConfigError, EmptySelectionError, PodbtError

OUT_OF_MEMORY = "The container ran out of memory. Raise resources.limits.memory or use fewer dbt threads."
TOOK_TOO_LONG = "The run took longer than run_timeout_seconds and was stopped."


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a step ended.

    Attributes:
        summary: What becomes the task's XCom.
        retryable: Whether the task's own retries may help.
        shown: Whether its failures are other tasks' to show.
    """

    summary: Summary
    retryable: bool
    shown: bool = False

    @property
    def ok(self) -> bool:
        return self.shown or self.summary.exit_reason.succeeded

    @property
    def skipped(self) -> bool:
        """Whether there was nothing to do, and that was allowed."""
        return self.summary.exit_reason is ExitReason.NOTHING_TO_DO

    @property
    def line(self) -> str:
        return self.summary.error or str(self.summary.exit_reason)


def failure(reason: ExitReason, error: str, *, retryable: bool | None = None) -> Outcome:
    """An outcome that only the observer can give."""
    return Outcome(
        summary=Summary(status=reason.status, exit_reason=reason, error=shorten(error, 1000)),
        retryable=reason.retryable if retryable is None else retryable,
    )


def refusal(error: PodbtError) -> Outcome:
    """The outcome of a run that does not begin, since what it is told cannot work."""
    if not isinstance(error, EmptySelectionError):
        return failure(ExitReason.CONFIG_ERROR, str(error))
    if not error.allowed:
        return failure(ExitReason.EMPTY_SELECTION, str(error))
    nothing = ExitReason.NOTHING_TO_DO
    return Outcome(summary=Summary(status=nothing.status, exit_reason=nothing), retryable=nothing.retryable)


def own_word(code: int | None, message: str) -> Outcome | None:
    """What the runner said of itself, where its exit code agrees with it.

    Args:
        code: The exit code.
        message: What it left as its termination message.
    """
    try:
        summary = Summary.parse_json(message, source="termination message") if message.startswith("{") else None
    except ConfigError:
        return None
    if summary is None or not _consistent(summary, code):
        return None
    return Outcome(summary=summary, retryable=summary.exit_reason.retryable)


def _consistent(summary: Summary, code: int | None) -> bool:
    """Whether the exit code and both words of the summary say the same."""
    reason = summary.exit_reason
    return summary.status == reason.status and (code == 0) == (reason.exit_code == ExitCode.OK)


def unexplained(code: int | None, why: str, message: str, *, what: str = "container") -> Outcome:
    """The outcome where the runner's word is missing or contradicts its exit code: never success."""
    if code == 0:
        return failure(ExitReason.LOST, f"The {what} ended with code 0 but left no record of a run.")
    said = f": {shorten(message, 300)}" if message else ""
    return failure(ExitReason.LOST, f"The {what} ended with code {code} ({why or 'no reason given'}){said}")
