"""What became of one model: the XCom of its task in a model group."""

from podbt.contract.exits import ExitReason
from podbt.contract.model import Strict
from podbt.contract.record import Failure, Summary


class ModelResult(Strict):
    """A node and its tests. The XCom leaves out what is None."""

    unique_id: str | None = None
    """None where the task is that of the tests which belong to no node."""
    status: str | None = None
    """dbt's word for the node; "tests" of the task above; "lost" where the pod ended before the node did."""
    exit_reason: ExitReason | None = None
    """Why the task failed; None where it did not, or where a release of podbt left the XCom that did not say."""
    error: str | None = None
    """The one line that says why, where no failing node does."""
    seconds: float | None = None
    rows: int | None = None
    at: str | None = None
    """When the node ended, in ISO 8601."""
    tests: dict[str, int] | None = None
    """Its tests by their status."""
    artifacts: str | None = None
    target: str | None = None
    pod: str | None = None
    """Its name."""
    failures: list[Failure] | None = None

    @property
    def summary(self) -> Summary | None:
        """The summary of a task that failed; None where nothing is known of a failure."""
        failures, reason = self.failures or [], self.exit_reason
        if reason is None:
            reason = ExitReason.of_failing(one.status for one in failures) if failures else ExitReason.LOST
            if not failures and not self.error:
                return None
        return Summary(
            status=reason.status,
            exit_reason=reason,
            error=self.error,
            failures=failures,
            artifacts=self.artifacts,
            target=self.target,
        )
