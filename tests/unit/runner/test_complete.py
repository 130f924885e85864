"""What dbt's result adds to what its events told."""

from types import SimpleNamespace
from typing import Any

from podbt.contract.record import NodeRecord
from podbt.runner.dbt.records import complete


def node(name: str, status: str) -> NodeRecord:
    return NodeRecord(unique_id=f"model.p.{name}", name=name, resource_type="model", status=status, seconds=0.5)


def result(name: str, status: str, message: str | None = None) -> Any:
    about = SimpleNamespace(unique_id=f"model.p.{name}", name=name, resource_type="model")
    return SimpleNamespace(node=about, status=status, execution_time=0.0, message=message)


def test_a_node_whose_runner_broke_is_an_error_and_not_interrupted() -> None:
    (completed,) = complete([node("a", "started")], [result("a", "error", "Exception on worker thread. boom")])
    assert (completed.status, completed.message) == ("error", "Exception on worker thread. boom")
    assert completed.failed


def test_what_was_cut_off_or_ended_stays_as_the_events_told() -> None:
    told = [node("a", "started"), node("b", "success"), node("c", "started")]
    assert complete(told, [result("a", "skipped", "Skipping due to fail_fast"), result("b", "success")]) == told


def test_a_node_that_no_event_told_of_is_added() -> None:
    assert [(one.name, one.status) for one in complete([], [result("a", "skipped")])] == [("a", "skipped")]
