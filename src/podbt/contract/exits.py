"""Why a run ended, the process's exit code for it, and whether a retry can help."""

from collections.abc import Iterable
from enum import IntEnum, StrEnum

from podbt.contract.kinds import NodeStatus, RunStatus


class ExitCode(IntEnum):
    """Exit codes of the runner. 0, 1 and 2 mean what they mean for dbt itself."""

    OK = 0
    NODE_FAILED = 1
    CONFIG = 2
    CONNECTION = 3
    INTERRUPTED = 4
    ARTIFACTS = 5
    SKEW = 6
    EMPTY = 7
    BUSY = 8


class ExitReason(StrEnum):
    """The one reason a run ended, written to run.json and to the pod's termination message."""

    SUCCESS = "success"
    WARNINGS = "warnings"
    NODE_FAILURE = "node_failure"
    TEST_FAILURE = "test_failure"
    NOTHING_TO_DO = "nothing_to_do"
    """The selection matches nothing and may: the Airflow task is skipped, since success would claim work was done."""
    CONFIG_ERROR = "config_error"
    SKEW = "skew"
    """The image holds another plan than the one that the DAG was built from."""
    CONNECTION_ERROR = "connection_error"
    EMPTY_SELECTION = "empty_selection"
    ARTIFACT_ERROR = "artifact_error"
    BUSY = "busy"
    """Another run wrote the same tables for longer than this one may wait, or took locks that the database dropped."""
    INTERRUPTED = "interrupted"
    LOST = "lost"
    """Nobody could write a reason: out of memory, evicted, deleted. Only the observer of a pod says this."""

    @classmethod
    def of_failing(cls, statuses: Iterable[str]) -> "ExitReason":
        """Why a run failed whose nodes failed with these statuses: only a test that found something says "fail"."""
        return cls.TEST_FAILURE if all(status == NodeStatus.FAIL for status in statuses) else cls.NODE_FAILURE

    @property
    def exit_code(self) -> ExitCode:
        return _EXIT_CODES[self]

    @property
    def succeeded(self) -> bool:
        return self in {ExitReason.SUCCESS, ExitReason.WARNINGS}

    @property
    def status(self) -> RunStatus:
        """How the run ended in one word."""
        if self is ExitReason.NOTHING_TO_DO:
            return RunStatus.SKIPPED
        return RunStatus.SUCCESS if self.succeeded else RunStatus.FAILED

    @property
    def retryable(self) -> bool:
        """Whether the same run may end otherwise when nothing but time has passed."""
        return self not in {ExitReason.CONFIG_ERROR, ExitReason.SKEW, ExitReason.EMPTY_SELECTION}


_EXIT_CODES = {
    ExitReason.SUCCESS: ExitCode.OK,
    ExitReason.WARNINGS: ExitCode.OK,
    ExitReason.NOTHING_TO_DO: ExitCode.OK,
    ExitReason.NODE_FAILURE: ExitCode.NODE_FAILED,
    ExitReason.TEST_FAILURE: ExitCode.NODE_FAILED,
    ExitReason.CONFIG_ERROR: ExitCode.CONFIG,
    ExitReason.SKEW: ExitCode.SKEW,
    ExitReason.CONNECTION_ERROR: ExitCode.CONNECTION,
    ExitReason.EMPTY_SELECTION: ExitCode.EMPTY,
    ExitReason.ARTIFACT_ERROR: ExitCode.ARTIFACTS,
    ExitReason.BUSY: ExitCode.BUSY,
    ExitReason.INTERRUPTED: ExitCode.INTERRUPTED,
    ExitReason.LOST: ExitCode.NODE_FAILED,
}
