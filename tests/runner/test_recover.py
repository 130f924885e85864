"""Killed at every step, a run is either unpublished and recovered, or published whole."""

import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podbt.contract.exits import ExitReason
from podbt.contract.journal import Alive, fold, lines_of, settle
from podbt.contract.record import NodeRecord, RunIdentity, RunRecord, RunStart, counts_of
from podbt.errors import ArtifactError
from podbt.runner.dbt.selection import Selection
from podbt.runner.prepare.resume import decide
from podbt.runner.process.interrupts import Interrupts
from podbt.runner.process.redact import Redactor
from podbt.store import tries
from podbt.store.alive import is_alive
from podbt.store.recover import recover
from podbt.store.run_folder import RunFolder

AT = datetime(2026, 1, 1, 2, tzinfo=UTC)


def identity(number: int) -> RunIdentity:
    return RunIdentity(dag_id="d", run_id="r", task_id="t", try_number=number)


def start(number: int = 1, **changes: object) -> RunStart:
    facts = {"command": ["build"], "target": "prod", "image": "i:1", "podbt_version": "1", "dbt_version": "1.11"}
    return RunStart(identity=identity(number), started_at=AT, **{**facts, **changes})  # type: ignore[arg-type]


def node(name: str, status: str = "success", **fields: object) -> NodeRecord:
    kind = name.split(".", maxsplit=1)[0]
    return NodeRecord(unique_id=name, name=name, resource_type=kind, status=status, seconds=1.0, **fields)  # type: ignore[arg-type]


def began(root: Path, number: int, *nodes: NodeRecord) -> RunFolder:
    folder = RunFolder.reserve(root, identity(number))
    alive = Alive(start=start(number), beat=3, at=AT + timedelta(seconds=60))
    folder.write("alive.json", alive.model_dump_json(exclude_none=True).encode())
    (folder.partial / "nodes.jsonl").write_bytes(lines_of(list(nodes)))
    return folder


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
    folder = began(tmp_path, 1, node("model.a", "started"), node("model.a"), node("model.b", "started"))
    assert recover(tmp_path, folder.partial) == "runs/d/r/t/try-1"
    record = RunRecord.parse_json((tmp_path / "runs/d/r/t/try-1/run.json").read_bytes(), source="x")
    assert record.exit_reason is ExitReason.LOST
    assert record.counts == {"total": 2, "interrupted": 1, "success": 1}
    assert record.seconds == 60
    assert "2026-01-01 02:01:00" in (record.error or "")
    assert recover(tmp_path, folder.partial) is None  # somebody else was quicker
    assert sorted(p.name for p in (tmp_path / "runs/d/r/t/try-1").iterdir()) == ["nodes.jsonl", "run.json"]


def test_a_folder_that_says_nothing_of_its_run_stays(tmp_path: Path) -> None:
    folder = RunFolder.reserve(tmp_path, identity(1))
    assert recover(tmp_path, folder.partial) is None
    assert folder.partial.is_dir()


@given(st.integers(0, 40))
@settings(max_examples=41, deadline=None)
def test_recovery_killed_anywhere_is_finished_by_the_next(step: int) -> None:
    """Every call that changes the store is a step; the process dies before the one that is drawn."""
    import tempfile

    class KilledError(BaseException):
        pass

    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        root, left = Path(place), [step]
        folder = began(root, 1, node("model.a"), node("model.b", "started"))

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
            recover(root, folder.partial)
        patch.undo()
        (there,) = (path for path in folder.partial.parent.iterdir() if path.name.startswith("try-1"))
        assert there.name in {"try-1.partial", "try-1.claimed.partial", "try-1"}
        if there != root / folder.path:
            assert tries.settle_earlier(root, identity(2), grace_seconds=0, alive=lambda _: False) == [folder.path]
        record = RunRecord.parse_json((root / folder.path / "run.json").read_bytes(), source="x")
        nodes = fold((root / folder.path / "nodes.jsonl").read_bytes(), source="x")
        assert counts_of(nodes) == record.counts == {"total": 2, "interrupted": 1, "success": 1}


def test_a_run_that_still_beats_is_alive_whatever_its_clock_says(tmp_path: Path) -> None:
    folder = began(tmp_path, 1)

    def beat(_seconds: float) -> None:
        alive = Alive(start=start(), beat=4, at=AT + timedelta(seconds=65))
        folder.write("alive.json", alive.model_dump_json(exclude_none=True).encode())

    near, later = (lambda: AT + timedelta(seconds=50)), (lambda: AT + timedelta(hours=1))
    assert not is_alive(folder.partial, now=near, sleep=lambda _: None)
    assert is_alive(folder.partial, now=near, sleep=beat)
    assert not is_alive(folder.partial, now=later, sleep=lambda _: pytest.fail("it waited"))


def test_an_earlier_try_that_goes_on_is_waited_for_and_then_refused(tmp_path: Path) -> None:
    began(tmp_path, 1, node("model.a"))
    now = [0.0]

    def lives_until(end: float) -> Callable[[object], bool]:
        def alive(_: object) -> bool:
            now[0] += 5
            return now[0] < end

        return alive

    def settle(number: int, end: float) -> list[str]:
        wait = {"grace_seconds": 90, "clock": lambda: now[0]}
        return tries.settle_earlier(tmp_path, identity(number), alive=lives_until(end), **wait)  # type: ignore[arg-type]

    assert settle(2, end=89) == ["runs/d/r/t/try-1"]  # it takes all of its grace period
    began(tmp_path, 2)
    with pytest.raises(ArtifactError, match="an earlier try of this task runs"):
        settle(3, end=9999)
    assert now[0] < 300


def test_a_signal_ends_the_wait_for_an_earlier_try(tmp_path: Path) -> None:
    interrupts = Interrupts()
    interrupts.requested = True
    folder = RunFolder.reserve(tmp_path, identity(1))
    with pytest.raises(KeyboardInterrupt):
        is_alive(folder.partial, sleep=interrupts.sleep)


def test_the_folder_of_a_run_taken_for_dead_is_not_made_again(tmp_path: Path) -> None:
    folder = began(tmp_path, 1)
    recover(tmp_path, folder.partial)
    with pytest.raises(FileNotFoundError):
        folder.write("alive.json", b"{}")
    log = tmp_path / "dbt.log"
    log.write_text("x")
    with pytest.raises(ArtifactError, match="took this run for dead"):
        folder.add([log], Redactor(set()).file)
    folder.keep_nodes(lines_of([node("model.a")]))
    lost = (tmp_path / folder.path / "run.json").read_bytes()
    with pytest.raises(ArtifactError, match="took this run for dead"):
        folder.publish(RunRecord.parse_json(lost, source="x"))
    assert not folder.partial.exists()
    assert [one.name for one in folder.partial.parent.iterdir()] == ["try-1"]
    assert not (tmp_path / "targets").exists()


def test_the_newest_try_before_counts(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        recover(tmp_path, began(tmp_path, number, node("model.a")).partial)
    found = tries.latest(tmp_path, identity(3))
    assert found is not None
    assert found.path.endswith("/try-2")
    assert tries.latest(tmp_path, RunIdentity(dag_id="d", run_id="other", task_id="t")) is None


def test_a_try_that_ended_before_its_nodes_hides_none_of_what_was_done(tmp_path: Path) -> None:
    recover(tmp_path, began(tmp_path, 1, node("model.a")).partial)
    recover(tmp_path, began(tmp_path, 2).partial)
    found = tries.latest(tmp_path, identity(3))
    assert found is not None
    assert [one.unique_id for one in found.nodes] == ["model.a"]
    reached = RunFolder.reserve(tmp_path, identity(3))
    alive = Alive(start=start(3, database="x"), beat=3, at=AT)
    reached.write("alive.json", alive.model_dump_json(exclude_none=True).encode())
    recover(tmp_path, reached.partial)
    found = tries.latest(tmp_path, identity(4))
    assert found is not None
    assert found.path.endswith("/try-3")  # it decided to run everything


def attempt(reason: ExitReason = ExitReason.INTERRUPTED, *nodes: NodeRecord, **changes: object) -> tries.Attempt:
    return tries.Attempt(path="runs/d/r/t/try-1", start=start(1, **changes), nodes=list(nodes), reason=reason)


def test_what_is_done_is_carried_and_everything_else_runs() -> None:
    earlier = attempt(
        ExitReason.LOST, node("model.a"), node("test.c", "pass"), node("test.d", "warn"), node("model.b", "error"),
        node("model.e", "skipped"), node("model.f", "interrupted"), node("operation.hook"), node("model.g", from_try=1),
    )  # fmt: skip
    decision = decide(earlier, start(2), command="build", wanted=True)
    assert {n.unique_id: n.from_try for n in decision.done} == dict.fromkeys(
        ("model.a", "test.c", "test.d", "model.g"), 1
    )
    assert decision.resumed_from == "runs/d/r/t/try-1"
    assert decision.line == "try-1 ended with lost; going on from there: 4 nodes are done already."


@pytest.mark.parametrize(
    ("earlier", "now", "command", "wanted", "said"),
    [
        pytest.param(attempt(ExitReason.SUCCESS, node("model.a")), {}, "build", True, "everything runs", id="success"),
        pytest.param(attempt(ExitReason.LOST), {}, "build", True, "before any node was done", id="nothing done"),
        pytest.param(attempt(ExitReason.LOST, node("model.a")), {}, "build", False, "switched off", id="off"),
        pytest.param(attempt(ExitReason.LOST, node("model.a")), {"image": "i:2"}, "build", True, "image", id="image"),
        pytest.param(attempt(ExitReason.LOST, node("model.a")), {"plan_hash": "b"}, "build", True, "plan", id="plan"),
        pytest.param(
            attempt(ExitReason.LOST, node("model.a")), {"database": "b"}, "build", True, "database", id="database"
        ),
        pytest.param(
            attempt(ExitReason.LOST, node("model.a")), {"variables": "b"}, "build", True, "env_var()", id="variables"
        ),
        pytest.param(
            attempt(ExitReason.LOST, node("model.a")),
            {"command": ["build", "--full-refresh"]},
            "build",
            True,
            "command line",
            id="another command line",
        ),
    ],
)
def test_why_everything_runs_is_said(
    earlier: tries.Attempt, now: dict[str, object], command: str, wanted: bool, said: str
) -> None:
    decision = decide(earlier, start(2, **now), command=command, wanted=wanted)
    assert decision.done == ()
    assert decision.resumed_from is None
    assert said in (decision.line or "")


def test_freshness_is_asked_anew() -> None:
    assert (
        decide(attempt(ExitReason.LOST, node("model.a")), start(2), command="source freshness", wanted=True).done == ()
    )


graphs = st.dictionaries(st.integers(0, 7), st.sets(st.integers(0, 7)), max_size=8)


def children_in(graph: dict[int, set[int]]) -> Callable[[set[str]], set[str]]:
    edges = {a: {b for b in graph.get(a, set()) if b > a} for a in range(8)}

    def children(ids: set[str]) -> set[str]:
        found: set[str] = set()
        waiting = [int(i) for i in ids]
        while waiting:
            new = edges[waiting.pop()] - {int(i) for i in found}
            found |= {str(i) for i in new}
            waiting += new
        return found

    return children


@given(graphs, st.sets(st.integers(0, 7)))
def test_nothing_stays_done_that_was_built_from_what_runs_again(graph: dict[int, set[int]], done: set[int]) -> None:
    children = children_in(graph)
    again: set[str] = set()
    selection = Selection(expect=lambda _: None, again=again.update)
    selection.leave_out([node(str(i)) for i in done])
    selected = {str(i) for i in range(8)}
    left = selection.left(selected, children)
    assert selected - {str(i) for i in done} <= left
    assert not children(left) - left
    assert again == left & {str(i) for i in done}
    assert selection.left(selected, children) == left


@given(graphs, st.sets(st.integers(0, 7)), st.sets(st.integers(0, 7)))
def test_an_ephemeral_model_runs_nothing_again_by_itself(
    graph: dict[int, set[int]], done: set[int], inlined: set[int]
) -> None:
    children, again = children_in(graph), set[str]()
    selection = Selection(expect=lambda _: None, again=again.update)
    selection.leave_out([node(str(i)) for i in done - inlined])
    selected, ephemeral = {str(i) for i in range(8)}, {str(i) for i in inlined}
    left = selection.left(selected, children, inlined=ephemeral)
    real = selected - {str(i) for i in done} - ephemeral
    assert again == {one for one in {str(i) for i in done - inlined} if one in children(real)}
    assert left == selected - {str(i) for i in done - inlined} | again


def test_a_unit_test_that_passed_stays_done_when_its_model_did_not() -> None:
    again: set[str] = set()
    selection = Selection(expect=lambda _: None, again=again.update)
    selection.leave_out([node("unit_test.p.a.u"), node("test.p.t")])
    tests = {"unit_test.p.a.u", "test.p.t"}
    left = selection.left({"model.p.a", *tests}, lambda ids: tests if "model.p.a" in ids else set())
    assert left == {"model.p.a", "test.p.t"}
    assert again == {"test.p.t"}


def test_the_published_file_has_each_node_once() -> None:
    lines = lines_of(settle(fold(lines_of([node("model.a", "started"), node("model.a")]), source="x")))
    assert [json.loads(line)["status"] for line in lines.splitlines()] == ["success"]
