"""What dbt's result adds to what its events told."""

from types import SimpleNamespace
from typing import Any

import pytest

from podbt.contract.record import NodeRecord
from podbt.runner.dbt.causes import Causes
from podbt.runner.dbt.records import complete
from podbt.runner.dbt.seams import Seam


def node(name: str, status: str) -> NodeRecord:
    return NodeRecord(unique_id=f"model.p.{name}", name=name, resource_type="model", status=status, seconds=0.5)


def result(name: str, status: str, message: str | None = None) -> Any:
    about = SimpleNamespace(unique_id=f"model.p.{name}", name=name, resource_type="model")
    return SimpleNamespace(node=about, status=status, execution_time=0.0, message=message)


def test_a_node_whose_runner_broke_is_an_error_and_not_interrupted() -> None:
    (completed,) = complete(
        [node("a", "started")], [result("a", "error", "Exception on worker thread. boom")], Causes()
    )
    assert (completed.status, completed.message) == ("error", "Exception on worker thread. boom")
    assert completed.failed


def test_what_was_cut_off_or_ended_stays_as_the_events_told() -> None:
    told = [node("a", "started"), node("b", "success"), node("c", "started")]
    assert (
        complete(told, [result("a", "skipped", "Skipping due to fail_fast"), result("b", "success")], Causes()) == told
    )


def test_what_fail_fast_cancelled_is_skipped() -> None:
    causes = Causes()
    causes.seams[Seam.CANCEL](lambda _task, _pool: None)(None, None)
    told = [node("a", "started"), node("b", "started")]
    completed = complete(told, [result("a", "skipped", "Skipping due to fail_fast")], causes)
    assert [one.status for one in completed] == ["skipped", "started"]


def test_a_node_that_no_event_told_of_is_added() -> None:
    assert [(one.name, one.status) for one in complete([], [result("a", "skipped")], Causes())] == [("a", "skipped")]


def test_an_operation_is_a_node_with_what_was_said_of_it() -> None:
    """Its result is as run_results.json has it: without a node and without a message."""
    causes, error = Causes(), RuntimeError("division by zero")

    def run_unsafe() -> None:
        raise error

    with pytest.raises(RuntimeError):
        causes.seams[Seam.OPERATION](run_unsafe)()
    told = SimpleNamespace(unique_id="macro.p.divides", status="error", execution_time=0.1, message=None)
    (completed,) = complete([], [told], causes)
    assert (completed.unique_id, completed.name, completed.resource_type) == ("macro.p.divides", "divides", "operation")
    assert (completed.status, completed.message) == ("error", "division by zero")
