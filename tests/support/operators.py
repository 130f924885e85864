"""Operators as a worker runs them, without Airflow around."""

from typing import Any

from podbt.airflow import DbtPodOperator
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.outcome import Outcome
from podbt.contract.record import Summary


def operator(**kwargs: Any) -> DbtPodOperator:
    return DbtPodOperator(task_id="t", **kwargs)


class FakeTaskInstance:
    dag_id, run_id, task_id, map_index, try_number, max_tries = "d", "r", "t", None, 2, 2

    def __init__(self, *, answers: bool = True) -> None:
        self.xcoms: dict[str, Any] = {}
        self.answers = answers

    def xcom_push(self, key: str, value: Any) -> None:
        if not self.answers:
            raise OSError("the API server is away")
        self.xcoms[key] = value


CONTEXT: Any = {"ti": FakeTaskInstance()}


GOOD = Outcome(summary=Summary(status=RunStatus.SUCCESS, exit_reason=ExitReason.SUCCESS), retryable=True)


class Follower:
    """Stands for a pod that ends as told."""

    outcome = GOOD
    stopped: DbtPodOperator | None = None

    def __init__(self, *_: Any) -> None: ...

    async def follow(self) -> Outcome:
        if self.stopped is not None:
            self.stopped.on_kill()  # what Airflow's SIGTERM handler does
        return self.outcome

    async def delete(self, *, now: bool) -> None: ...
