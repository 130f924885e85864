"""Work that nobody waits for: done in order, dropped where it is too much."""

import threading

import pytest

from podbt.airflow.observe.outbox import Outbox


def test_work_is_done_in_order_and_failures_are_survived() -> None:
    outbox, done = Outbox(), list[int]()
    outbox.put(lambda: done.append(1))
    outbox.put(lambda: done.append(1 // 0))
    outbox.put(lambda: done.append(2))
    assert outbox.flush(60)
    assert done == [1, 2]


def test_too_much_is_dropped_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    outbox, started, go, done = Outbox(most=1), threading.Event(), threading.Event(), list[int]()

    def slow() -> None:
        started.set()
        go.wait()

    outbox.put(slow)
    started.wait()
    for number in range(3):
        outbox.put(lambda number=number: done.append(number))  # type: ignore[misc]
    assert [record.message for record in caplog.records] == [
        "Lineage of tasks is dropped: its server does not keep up with 1 events"
    ]
    go.set()
    assert outbox.flush(60)
    assert done == [0]
