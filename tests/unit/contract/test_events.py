"""Progress lines: what is written is read, and the last part of a log is enough."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podbt.contract import events
from podbt.contract.events import Mark, NodeEvent, Snapshot
from podbt.contract.exits import ExitReason
from podbt.runner.report.emit import Progress

NODES = [f"model.shop.{letter}" for letter in "cabfed"]
HASH = "a" * 64
AT = datetime(2026, 1, 1, tzinfo=UTC)

times = st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is beside it
statuses = st.sampled_from(
    ["started", "success", "error", "fail", "pass", "warn", "skipped", "no-op", "partial success"]
)
node_events = st.builds(
    NodeEvent.of,
    st.sampled_from(NODES),
    statuses,
    at=times,
    seconds=st.none() | st.floats(0, 1e6),
    rows=st.none() | st.integers(0, 2**63),
    failures=st.none() | st.integers(0, 2**31),
    message=st.none() | st.text(max_size=2000),
)


@given(node_events)
def test_a_node_event_is_read_as_it_was_written(event: NodeEvent) -> None:
    line = events.encode(event)
    assert events.decode(line) == event
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert len(event.m or "") <= 500


@given(st.lists(st.sampled_from(Mark)), st.none() | st.sampled_from(ExitReason), times, st.none() | st.just(HASH))
def test_a_snapshot_is_read_as_it_was_written(
    marks: list[Mark], end: ExitReason | None, at: datetime, plan: str | None
) -> None:
    snapshot = Snapshot(plan=plan, s="".join(marks), at=at, end=end)
    assert events.decode(events.encode(snapshot)) == snapshot


@given(st.text())
def test_any_other_line_is_no_event(text: str) -> None:
    assert events.decode(text) is None
    assert events.decode(events.PREFIX + text) is None


@given(node_events, st.data())
def test_a_cut_line_is_no_event(event: NodeEvent, data: st.DataObject) -> None:
    line = events.encode(event)
    assert events.decode(line[: data.draw(st.integers(0, len(line) - 1))]) is None
    assert events.decode(line[data.draw(st.integers(1, len(line))) :]) is None


@pytest.mark.parametrize(
    ("status", "mark"),
    [
        ("started", "r"), ("success", "s"), ("pass", "p"), ("warn", "W"), ("error", "e"), ("runtime error", "e"),
        ("fail", "f"), ("skipped", "k"), ("no-op", "n"), ("partial success", "e"), ("of a later dbt", "e"),
    ],
)  # fmt: skip
def test_marks_of_statuses(status: str, mark: str) -> None:
    assert Mark.of(status) == mark


def test_marks_stand_in_the_order_of_sorted_ids() -> None:
    progress = Progress(HASH, NODES)
    progress.set("model.shop.b", Mark.of("success"))
    progress.set("model.shop.a", Mark.WAITING)
    progress.set("operation.shop.hook", Mark.of("success"))
    assert progress.snapshot(AT).s == "ws...."
