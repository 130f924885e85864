"""Killed at every step, a run is either unpublished and recovered, or published whole."""

import contextlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.tries import AT, began, identity, node, start

from podbt.contract.exits import ExitReason
from podbt.contract.journal import Alive, fold, lines_of, settle
from podbt.contract.record import NodeRecord, RunIdentity, RunRecord, counts_of
from podbt.errors import ArtifactError
from podbt.runner.process.interrupts import Interrupts
from podbt.runner.process.redact import Redactor
from podbt.store import tries
from podbt.store.alive import is_alive
from podbt.store.recover import recover
from podbt.store.run_folder import RunFolder
from podbt.store.store import TakenError
from podbt.store.volume import Volume

names = st.sampled_from(["model.a", "model.b", "test.c"])
histories = st.lists(
    st.builds(node, names, st.sampled_from(["started", "success", "error", "pass", "skipped"])), max_size=12
)


@given(histories, st.integers(0, 4000))
def test_a_journal_cut_anywhere_tells_all_that_was_whole(history: list[NodeRecord], cut: int) -> None:
    text = lines_of(history)[:cut]
    whole = [NodeRecord.parse_json(line, source="x") for line in text.split(b"\n")[:-1]]
    expected = {n.unique_id: n.status for n in whole}
    folded = {n.unique_id: n.status for n in fold(text, source="x")}
    assert expected == folded or len(text.rpartition(b"\n")[2]) in {len(lines_of([n])) - 1 for n in history}
    assert all(n.status != "started" for n in settle(fold(text, source="x")))


def test_a_lost_run_is_published_with_what_it_had(tmp_path: Path) -> None:
    store = Volume(tmp_path)
    folder = began(store, 1, node("model.a", "started"), node("model.a"), node("model.b", "started"))
    assert recover(store, folder.partial) == "runs/d/r/t/try-1"
    record = RunRecord.parse_json((tmp_path / "runs/d/r/t/try-1/run.json").read_bytes(), source="x")
    assert record.exit_reason is ExitReason.LOST
    assert record.counts == {"total": 2, "interrupted": 1, "success": 1}
    assert record.seconds == 60
    assert "2026-01-01 02:01:00" in (record.error or "")
    assert recover(store, folder.partial) is None  # somebody else was quicker
    assert sorted(p.name for p in (tmp_path / "runs/d/r/t/try-1").iterdir()) == ["nodes.jsonl", "run.json"]


def test_a_folder_that_says_nothing_of_its_run_stays(tmp_path: Path) -> None:
    store = Volume(tmp_path)
    folder = RunFolder.reserve(store, identity(1))
    assert recover(store, folder.partial) is None
    assert (tmp_path / folder.partial).is_dir()


@given(st.integers(0, 40))
@settings(max_examples=41, deadline=None)
def test_recovery_killed_anywhere_is_finished_by_the_next(step: int) -> None:
    """Every call that changes the store is a step; the process dies before the one that is drawn."""
    import tempfile

    class KilledError(BaseException):
        pass

    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        root, left = Path(place), [step]
        store = Volume(root)
        folder = began(store, 1, node("model.a"), node("model.b", "started"))

        def counted(target: object, name: str) -> None:
            real = getattr(target, name)

            def call(*arguments: object, **keywords: object) -> object:
                left[0] -= 1
                if left[0] < 0:
                    raise KilledError
                return real(*arguments, **keywords)

            patch.setattr(target, name, call)

        for method in ("write_bytes", "replace", "rename", "unlink"):
            counted(Path, method)
        with contextlib.suppress(KilledError):
            recover(store, folder.partial)
        patch.undo()
        (there,) = (path for path in (root / folder.path).parent.iterdir() if path.name.startswith("try-1"))
        assert there.name in {"try-1.partial", "try-1.claimed.partial", "try-1"}
        if there != root / folder.path:
            assert tries.settle_earlier(store, identity(2), grace_seconds=0, alive=lambda *_: False) == [folder.path]
        record = RunRecord.parse_json((root / folder.path / "run.json").read_bytes(), source="x")
        nodes = fold((root / folder.path / "nodes.jsonl").read_bytes(), source="x")
        assert counts_of(nodes) == record.counts == {"total": 2, "interrupted": 1, "success": 1}


def test_a_run_that_still_beats_is_alive_whatever_its_clock_says(tmp_path: Path) -> None:
    store = Volume(tmp_path)
    folder = began(store, 1)

    def beat(_seconds: float) -> None:
        alive = Alive(start=start(), beat=4, at=AT + timedelta(seconds=65))
        folder.write("alive.json", alive.model_dump_json(exclude_none=True).encode())

    near, later = (lambda: AT + timedelta(seconds=50)), (lambda: AT + timedelta(hours=1))
    assert not is_alive(store, folder.partial, now=near, sleep=lambda _: None)
    assert is_alive(store, folder.partial, now=near, sleep=beat)
    assert not is_alive(store, folder.partial, now=later, sleep=lambda _: pytest.fail("it waited"))


def test_an_earlier_try_that_goes_on_is_waited_for_and_then_refused(tmp_path: Path) -> None:
    store = Volume(tmp_path)
    began(store, 1, node("model.a"))
    now = [0.0]

    def lives_until(end: float) -> Callable[..., bool]:
        def alive(*_: object) -> bool:
            now[0] += 5
            return now[0] < end

        return alive

    def settle(number: int, end: float) -> list[str]:
        wait = {"grace_seconds": 90, "clock": lambda: now[0]}
        return tries.settle_earlier(store, identity(number), alive=lives_until(end), **wait)  # type: ignore[arg-type]

    assert settle(2, end=89) == ["runs/d/r/t/try-1"]  # it takes all of its grace period
    began(store, 2)
    with pytest.raises(ArtifactError, match="an earlier try of this task runs"):
        settle(3, end=9999)
    assert now[0] < 300


def test_a_signal_ends_the_wait_for_an_earlier_try(tmp_path: Path) -> None:
    store = Volume(tmp_path)
    interrupts = Interrupts()
    interrupts.requested = True
    folder = RunFolder.reserve(store, identity(1))
    with pytest.raises(KeyboardInterrupt):
        is_alive(store, folder.partial, sleep=interrupts.sleep)


def test_the_folder_of_a_run_taken_for_dead_is_not_made_again(tmp_path: Path) -> None:
    store = Volume(tmp_path)
    folder = began(store, 1)
    recover(store, folder.partial)
    with pytest.raises(TakenError):
        folder.write("alive.json", b"{}")
    log = tmp_path / "dbt.log"
    log.write_text("x")
    with pytest.raises(ArtifactError, match="took this run for dead"):
        folder.add([log], Redactor(set()).file)
    folder.keep_nodes(lines_of([node("model.a")]))
    lost = (tmp_path / folder.path / "run.json").read_bytes()
    with pytest.raises(ArtifactError, match="took this run for dead"):
        folder.publish(RunRecord.parse_json(lost, source="x"))
    assert not (tmp_path / folder.partial).exists()
    assert [one.name for one in (tmp_path / folder.partial).parent.iterdir()] == ["try-1"]
    assert not (tmp_path / "targets").exists()


def test_the_newest_try_before_counts(tmp_path: Path) -> None:
    store = Volume(tmp_path)
    for number in (1, 2, 10):
        recover(store, began(store, number, node("model.a")).partial)
    found = tries.latest(store, identity(3))
    assert found is not None
    assert found.path.endswith("/try-2")
    assert tries.latest(store, RunIdentity(dag_id="d", run_id="other", task_id="t")) is None


def test_a_try_that_ended_before_its_nodes_hides_none_of_what_was_done(tmp_path: Path) -> None:
    store = Volume(tmp_path)
    recover(store, began(store, 1, node("model.a")).partial)
    recover(store, began(store, 2).partial)
    found = tries.latest(store, identity(3))
    assert found is not None
    assert [one.unique_id for one in found.nodes] == ["model.a"]
    reached = RunFolder.reserve(store, identity(3))
    alive = Alive(start=start(3, database="x"), beat=3, at=AT)
    reached.write("alive.json", alive.model_dump_json(exclude_none=True).encode())
    recover(store, reached.partial)
    found = tries.latest(store, identity(4))
    assert found is not None
    assert found.path.endswith("/try-3")  # it decided to run everything


def test_the_published_file_has_each_node_once() -> None:
    lines = lines_of(settle(fold(lines_of([node("model.a", "started"), node("model.a")]), source="x")))
    assert [json.loads(line)["status"] for line in lines.splitlines()] == ["success"]
