"""Whose batches a run pays: of the same work in the same DAG run, as the newest run that planned them left them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.records import identity, node, record

from podbt.contract import layout
from podbt.contract.batches import Batches, Span
from podbt.contract.exits import ExitReason
from podbt.contract.journal import Alive, lines_of
from podbt.contract.record import NodeRecord, RunRecord, RunStart
from podbt.runner.dbt.microbatch import Owed
from podbt.runner.prepare.debts import Debts
from podbt.store.volume import Volume

DAILY = "model.p.daily"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> Span:
    return FIRST + timedelta(days=number), FIRST + timedelta(days=number + 1)


def daily(status: str, *, done: list[int] | None = None, left: list[int] | None = None) -> NodeRecord:
    batches = None if done is None else Batches.of(map(day, done), map(day, left or []))
    return node("daily", status).model_copy(update={"batches": batches})


class Store:
    """One DAG run's tries, each an hour after the one before."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._hours = 0

    def add(
        self, *nodes: NodeRecord, task: str = "build", number: int = 1,
        reason: ExitReason | None = ExitReason.NODE_FAILURE, **more: Any,
    ) -> RunRecord:  # fmt: skip
        """A run that has ended, or one that lasts where it has no reason."""
        self._hours += 1
        who = identity(1, task=task).model_copy(update={"try_number": number})
        begun = FIRST + timedelta(days=9, hours=self._hours)
        made = record(who, list(nodes), reason=reason or ExitReason.LOST)
        update = {"started_at": begun, "invocation_started_at": begun + timedelta(seconds=5), "database": "db"}
        made = made.model_copy(update={**update, **more})
        folder = self.root / (layout.run_folder(who) + ("" if reason else ".partial"))
        folder.mkdir(parents=True)
        (folder / "nodes.jsonl").write_bytes(lines_of(list(nodes)))
        if reason:
            (folder / "run.json").write_text(made.model_dump_json(exclude_none=True))
        else:
            start = RunStart(**{name: getattr(made, name) for name in RunStart.model_fields})
            alive = Alive(start=start, beat=1, at=begun)
            (folder / "alive.json").write_text(alive.model_dump_json(exclude_none=True))
        return made

    def owed(self, **more: Any) -> Owed | None:
        current = self.add(task="now", **more) if "task" not in more else self.add(**more)
        return Debts(Volume(self.root), lambda: current, own=layout.run_folder(current.identity)).of(DAILY)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_an_earlier_try_owes_what_it_left(store: Store) -> None:
    first = store.add(daily("partial success", done=[0, 2], left=[1]))
    owed = store.owed(task="build", number=2)
    assert owed == Owed(
        since=first.invocation_started_at,
        batches=Batches.of([day(0), day(2)], [day(1)]),
        exact=True,
        run="runs/nightly/r1/build/try-1",
    )


def test_a_try_between_that_planned_nothing_hides_no_debt(store: Store) -> None:
    first = store.add(daily("partial success", done=[0], left=[1]))
    store.add(daily("skipped"), number=2)
    store.add(number=3, reason=ExitReason.CONNECTION_ERROR)
    owed = store.owed(task="build", number=4)
    assert owed is not None
    assert (owed.batches.left, owed.since) == ([day(1)], first.invocation_started_at)


def test_what_never_began_is_planned_as_of_the_first_try(store: Store) -> None:
    first = store.add(daily("skipped"))
    store.add(number=2, reason=ExitReason.INTERRUPTED)
    owed = store.owed(task="build", number=3)
    assert owed is not None
    assert (owed.batches, owed.since) == (Batches(), first.invocation_started_at)


def test_what_was_built_last_is_not_owed(store: Store) -> None:
    store.add(daily("partial success", done=[0], left=[1]))
    store.add(daily("success", done=[0, 1], left=[]), task="daily")
    assert store.owed(task="build", number=2) is None
    assert store.owed(task="other") is None


def test_a_run_that_lasts_or_was_killed_owes_too(store: Store) -> None:
    store.add(daily("started", done=[0], left=[1, 2]), task="models.pod", reason=None)
    owed = store.owed(task="models.daily", number=2)
    assert owed is not None
    assert (owed.batches.left, owed.run) == ([(day(1)[0], day(2)[1])], "runs/nightly/r1/models.pod/try-1")


def test_a_task_that_was_cut_short_before_the_model_is_asked_for_its_time_by_a_retry(store: Store) -> None:
    pod = store.add(task="models.pod", reason=ExitReason.LOST)
    assert store.owed(task="models.daily", number=1) is None
    owed = store.owed(task="models.daily2", number=2)
    assert owed is not None
    assert owed.since == pod.invocation_started_at


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"target": "ci"}, id="another target"),
        pytest.param({"database": "other"}, id="another database"),
        pytest.param({"command": ["build", "--vars", "{a: 1}"]}, id="other variables"),
        pytest.param({"command": ["build", "--event-time-start=2026-01-05"]}, id="another window"),
    ],
)
def test_other_work_owes_nothing(store: Store, more: dict[str, Any]) -> None:
    store.add(daily("partial success", done=[0], left=[1]), **more)
    assert store.owed() is None


def test_another_part_of_a_mapped_step_is_other_work(store: Store) -> None:
    first = store.add(daily("partial success", done=[0], left=[1]))
    part = first.model_copy(update={"identity": first.identity.model_copy(update={"map_index": 1})})
    assert Debts(Volume(store.root), lambda: part, own=layout.run_folder(part.identity)).of(DAILY) is None


@pytest.mark.parametrize(
    ("more", "exact"),
    [
        pytest.param({}, True, id="the same"),
        pytest.param({"command": ["build", "--select", "daily"]}, True, id="another selection"),
        pytest.param({"image": "b"}, False, id="another image"),
        pytest.param({"revision": "b"}, False, id="another revision"),
        pytest.param({"variables": "b"}, False, id="other values of variables"),
        pytest.param({"command": ["build", "--full-refresh"]}, False, id="a full refresh"),
    ],
)
def test_what_was_built_stays_where_the_model_is_the_same(store: Store, more: dict[str, Any], exact: bool) -> None:
    store.add(daily("partial success", done=[0], left=[1]))
    owed = store.owed(task="build", number=2, **more)
    assert owed is not None
    assert owed.exact is exact
