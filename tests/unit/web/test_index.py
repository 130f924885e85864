import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.pages import AT, Pages, pages, publish, ran

from podbt.contract.exits import ExitReason
from podbt.contract.journal import Alive
from podbt.contract.record import RunIdentity, RunStart
from podbt.errors import ArtifactError
from podbt.store.run_folder import RunFolder
from podbt.store.volume import Volume
from podbt.web.index.database import Database, Scope
from podbt.web.index.nodes import Nodes
from podbt.web.index.runs import Filter, Runs

ALL = Scope()


@pytest.fixture
def made(tmp_path: Path) -> Pages:
    (tmp_path / "store").mkdir()
    return pages(Volume(tmp_path / "store"), tmp_path / "index")


def paths(made: Pages, scope: Scope = ALL, **wanted: str) -> list[str]:
    return [row.path for row in Runs(made.database).page(Filter(**wanted), scope)]  # type: ignore[arg-type]


def alive(made: Pages, run: str, *, dag: str = "nightly", at: datetime | None = None) -> RunFolder:
    who = RunIdentity(dag_id=dag, run_id=run, task_id="build")
    folder = RunFolder.reserve(made.store, who, patience_seconds=1)
    start = RunStart(identity=who, command=["build"], target="prod", started_at=AT, podbt_version="0", dbt_version="1")
    told = Alive(start=start, beat=1, at=at or datetime.now(UTC))
    folder.write("alive.json", told.model_dump_json(exclude_none=True).encode())
    return folder


def test_each_run_is_read_once_however_often_one_looks(made: Pages) -> None:
    for number in range(40):
        publish(made.store, ran("model.a", 0, 1), run=f"r{number}", at=AT + timedelta(hours=number))
    assert made.scan() == 40
    publish(made.store, ran("model.a", 0, 1), run="new", at=AT + timedelta(days=9))
    assert made.scan() == 1
    assert made.scan() == 0
    other = Database(made.database.file)  # another api-server process
    assert len(Runs(other).page(Filter(), ALL)) == 41
    assert {count for path, count in made.store.reads.items() if path.endswith("run.json")} == {1}
    assert {count for path, count in made.store.reads.items() if path.endswith("nodes.jsonl")} == {1}


def test_the_newest_come_first_and_a_filter_cuts_them_down(made: Pages) -> None:
    first = publish(made.store, ran("model.a", 0, 1))
    second = publish(made.store, ran("model.a", 0, 1, status="error"), dag="hourly", at=AT + timedelta(hours=1))
    made.scan()
    assert paths(made) == [second, first]
    assert paths(made, dag="nightly") == [first]
    assert paths(made, status="failed") == paths(made, status="node_failure") == [second]
    assert paths(made, target="ci") == []
    assert Runs(made.database).count(Filter(), ALL) == {"success": 1, "failed": 1}


def test_what_is_pruned_is_forgotten(made: Pages) -> None:
    path = publish(made.store, ran("model.a", 0, 1))
    made.scan()
    shutil.rmtree(made.store.inner.root / path)
    assert made.scan() == 0
    assert paths(made) == []
    assert Nodes(made.database).history("model.p.a", ALL) == []


def test_a_run_that_is_amended_is_read_again(made: Pages) -> None:
    path = publish(made.store, ran("model.a", 0, 1))
    made.scan()
    file = made.store.inner.root / path / "run.json"
    assert '"notes": []' in file.read_text()
    file.write_text(file.read_text().replace('"notes": []', '"notes": ["a pointer stayed behind"]'))
    assert made.scan() == 1
    row = Runs(made.database).find(path, ALL)
    assert row is not None
    assert row.record.notes == ["a pointer stayed behind"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"{", "EOF", id="cut short"),
        pytest.param(b"\xff\xfe", "", id="no text"),
        pytest.param(None, "another run's", id="another run's"),
    ],
)
def test_a_damaged_or_foreign_record_is_one_line_and_is_read_once(made: Pages, content: bytes | None, why: str) -> None:
    good = publish(made.store, ran("model.a", 0, 1))
    other = publish(made.store, ran("model.a", 0, 1), dag="secret", run="r2")
    path = publish(made.store, ran("model.a", 0, 1), run="r3")
    file = made.store.inner.root / path / "run.json"
    file.write_bytes((made.store.inner.root / other / "run.json").read_bytes() if content is None else content)
    made.scan()
    made.scan()
    assert made.store.reads[f"{path}/run.json"] == 1
    assert set(paths(made)) == {good, other}
    ((named, reason),) = Runs(made.database).unreadable(ALL)
    assert named == path
    assert why in reason
    assert Runs(made.database).unreadable(Scope(frozenset({"other"}))) == []
    assert len(Runs(made.database).unreadable(Scope(frozenset({"nightly"})))) == 1


def test_whoever_may_not_read_a_dag_finds_none_of_its_runs(made: Pages) -> None:
    path = publish(made.store, ran("model.a", 0, 1))
    alive(made, "now")
    made.scan()
    seen, runs = Scope(frozenset({"other"})), Runs(made.database)
    assert paths(made, seen) == []
    assert runs.find(path, seen) is None
    assert runs.run(path, seen) is None
    assert runs.live(seen) == []
    assert runs.count(Filter(), seen) == {}
    assert runs.choices("dag_id", seen) == runs.choices("target", seen) == []
    assert runs.of_task("nightly", "r1", "build", seen) == []
    assert Nodes(made.database).history("model.p.a", seen) == []
    assert Nodes(made.database).last_manifest(None, seen) is None


def test_a_run_that_lasts_is_there_until_it_is_published(made: Pages) -> None:
    publish(made.store, ran("model.a", 0, 1), ran("model.b", 1, 2), run="r0")
    folder = alive(made, "r1")
    lines = b"".join(
        node.model_dump_json(exclude_none=True).encode() + b"\n"
        for node in (ran("model.a", 0, 1), ran("model.b", 1, 2, status="started"))
    )
    made.store.write(f"{folder.partial}/nodes.jsonl", lines)
    made.scan()
    (run,) = Runs(made.database).live(ALL)
    assert (run.counts["total"], run.running, run.usual_total) == (1, ["b"], 2)
    shutil.rmtree(made.store.inner.root / folder.partial)
    made.scan()
    assert Runs(made.database).live(ALL) == []


def test_the_run_before_is_of_the_same_task_and_target_and_of_another_dag_run(made: Pages) -> None:
    before = publish(made.store, ran("model.a", 0, 1), run="r0")
    publish(made.store, ran("model.a", 0, 1), run="r0", task="other", at=AT + timedelta(hours=1))
    first = publish(made.store, ran("model.a", 0, 1), run="r1", at=AT + timedelta(hours=2))
    second = publish(made.store, ran("model.a", 0, 1), run="r1", number=2, at=AT + timedelta(hours=3))
    made.scan()
    runs = Runs(made.database)
    row = runs.find(second, ALL)
    assert row is not None
    assert runs.before(row, ALL) == before
    assert [one.path for one in runs.tries(row, ALL)] == [first, second]
    assert runs.of_task("nightly", "r1", "build", ALL) == [second, first]


def test_what_is_usual_is_the_median_of_good_runs(made: Pages) -> None:
    for number, seconds in enumerate([10.0, 500.0, 30.0, 20.0]):
        bad = ExitReason.CONNECTION_ERROR if seconds == 500 else None
        when = AT + timedelta(hours=number)
        publish(made.store, run=f"r{number}", seconds=seconds, reason=bad, at=when)
    made.scan()
    row = Runs(made.database).page(Filter(), ALL)[0]
    trend = Runs(made.database).trend(row.task)
    assert (trend.seconds, trend.usual) == ([10, 500, 30, 20], 20)
    assert Runs(made.database).trend(row.task, until=AT).usual is None


def test_a_store_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="not mounted"):
        pages(Volume(tmp_path / "none"), tmp_path).scan()


def test_only_the_owner_can_read_the_index(made: Pages) -> None:
    made.scan()
    assert made.database.file.parent.stat().st_mode & 0o077 == 0
