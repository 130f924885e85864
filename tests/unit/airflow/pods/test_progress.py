"""What a pod's lines add up to, wherever one begins to read them."""

from datetime import UTC, datetime, timedelta

import pytest
import uuid6
from hypothesis import given
from hypothesis import strategies as st
from tests.support.plans import plan, uid

from podbt.airflow.pods.places import key_of, packed, unpacked
from podbt.airflow.pods.progress import PodProgress, born
from podbt.contract.events import Mark, NodeEvent, encode
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.record import Summary
from podbt.runner.report.emit import Progress

NOW = datetime.now(UTC)
PLAN = plan("a", "b < a", "test.t < b")
PLACES = {unique_id: index for index, unique_id in enumerate(sorted(PLAN.nodes))}


def pod(**fields: object) -> PodProgress:
    return PodProgress(**{"name": "pod", "created": NOW, **fields})  # type: ignore[arg-type]  # the defaults fit


def node(name: str, status: str, **fields: object) -> str:
    return encode(NodeEvent.of(uid(name), status, at=NOW, **fields))  # type: ignore[arg-type]  # as above


def mark(found: PodProgress, name: str, plan_hash: str = PLAN.hash) -> Mark:
    return found.mark(key_of(uid(name)), PLACES[uid(name)], plan_hash)


def snapshot(end: ExitReason | None = None, **marks: Mark) -> str:
    progress = Progress.of(PLAN)
    for name, value in marks.items():
        progress.set(uid(name), value)
    progress.end = end
    return encode(progress.snapshot(NOW))


def test_lines_for_people_are_left_to_them() -> None:
    assert pod().feed("1 of 2 OK created table") is False
    assert pod().feed('::podbt {"k":"node","n":"mod') is False  # cut by log rotation
    assert pod().feed(node("a", "started")) is True


def test_a_log_that_begins_in_the_middle_leads_to_the_same_state() -> None:
    whole, part = pod(), pod()
    lines = [node("a", "started"), node("a", "success"), node("b", "started"), snapshot(a=Mark.SUCCESS, b=Mark.RUNNING),
             node("b", "error", message="division by zero")]  # fmt: skip
    for line in lines:
        whole.feed(line)
    for line in lines[3:]:
        part.feed(line)
    assert [mark(part, name) for name in ("a", "b")] == [mark(whole, name) for name in ("a", "b")]
    assert mark(part, "a") is Mark.SUCCESS
    assert mark(part, "b") is Mark.ERROR


statuses = st.sampled_from(
    ["started", "success", "error", "fail", "pass", "warn", "skipped", "no-op", "partial success", "of a later dbt"]
)


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "test.t"]), statuses)), st.integers(0, 100), st.integers(1, 7))
def test_whoever_reads_from_a_snapshot_on_knows_as_much_as_whoever_read_it_all(
    happened: list[tuple[str, str]], cut: int, every: int
) -> None:
    """A log whose beginning is gone, up to anywhere before the last snapshot."""
    runner = Progress.of(PLAN)
    lines = [encode(runner.snapshot(NOW))]
    for number, (name, status) in enumerate(happened):
        runner.set(uid(name), Mark.of(status))
        lines.append(node(name, status))
        if number % every == 0:
            lines.append(encode(runner.snapshot(NOW)))
    runner.end = ExitReason.WARNINGS
    lines.append(encode(runner.snapshot(NOW)))
    for begin in (0, min(cut, len(lines) - 1)):
        follower = pod()
        assert all(follower.feed(line) for line in lines[begin:])
        assert {uid(name): mark(follower, name) for name in ("a", "b", "test.t")} == runner.marks
        assert follower.end is ExitReason.WARNINGS


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "test.t"]), statuses)))
def test_between_two_snapshots_the_last_line_about_a_node_counts(happened: list[tuple[str, str]]) -> None:
    runner, follower = Progress.of(PLAN), pod()
    follower.feed(encode(runner.snapshot(NOW)))
    for name, status in happened:
        runner.set(uid(name), Mark.of(status))
        follower.feed(node(name, status))
    assert {uid(name): mark(follower, name) for name in ("a", "b", "test.t")} == runner.marks


def test_a_snapshot_overrides_what_was_told_before() -> None:
    found = pod()
    found.feed(node("a", "started"))
    found.feed(snapshot(a=Mark.SUCCESS))
    assert mark(found, "a") is Mark.SUCCESS


def test_marks_of_another_plan_are_not_read() -> None:
    found = pod()
    found.feed(snapshot(a=Mark.SUCCESS))
    assert mark(found, "a", "0" * 64) is Mark.UNKNOWN


def test_what_goes_into_the_xcom_comes_back() -> None:
    found = pod(lost="gone", artifacts="runs/x")
    found.feed(snapshot(ExitReason.NODE_FAILURE, a=Mark.SUCCESS, b=Mark.ERROR))
    found.feed(node("test.t", "fail", message="Got 3 results"))
    back = PodProgress.from_xcom(found.to_xcom())
    assert back is not None
    assert [mark(back, name) for name in ("a", "b", "test.t")] == [Mark.SUCCESS, Mark.ERROR, Mark.FAIL]
    assert back.said(key_of(uid("test.t"))) == "Got 3 results"
    assert (back.ended, back.end, back.lost, back.artifacts) == (True, ExitReason.NODE_FAILURE, "gone", "runs/x")
    assert back.created == NOW


@pytest.mark.parametrize("data", [None, "text", {}, {"pod": "p"}, {**pod().to_xcom(), "end": "new_reason"}])
def test_an_xcom_of_another_version_is_none(data: object) -> None:
    assert PodProgress.from_xcom(data) is None


def test_dbt_began_with_its_first_node() -> None:
    assert pod().began is False
    waiting = pod()
    waiting.feed(snapshot(a=Mark.WAITING))
    assert waiting.began is False
    waiting.feed(snapshot(a=Mark.RUNNING))
    assert waiting.began is True


def test_a_try_is_as_old_as_its_id() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    assert before <= born(str(uuid6.uuid7())) <= datetime.now(UTC) + timedelta(milliseconds=1)
    assert born("3fa85f64-5717-4562-b3fc-2c963f66afa6") < NOW - timedelta(days=365)  # not a uuid7


@pytest.mark.parametrize(("age_seconds", "serves"), [(-5, True), (-0.5, True), (2, False)])
def test_a_pod_serves_the_tries_that_are_older_than_it(age_seconds: float, serves: bool) -> None:
    """Its time of creation has no fractions."""
    created = datetime.now(UTC) - timedelta(seconds=age_seconds)
    assert pod(created=created).serves(uuid6.uuid7()) is serves


def test_only_what_was_built_is_an_asset() -> None:
    found = pod()
    for line in (node("a", "success", rows=3, seconds=0.5), node("b", "error"), node("test.t", "pass")):
        found.feed(line)
    summary = Summary(status=RunStatus.SUCCESS, exit_reason=ExitReason.SUCCESS, target="prod")
    assert found.built_nodes(summary) == [
        {"unique_id": uid("a"), "rows": 3, "seconds": 0.5, "at": NOW.isoformat(), "target": "prod"}
    ]


def test_places_travel_as_text() -> None:
    assert unpacked(packed({"a1": 3, "b2": 14})) == {"a1": 3, "b2": 14}
