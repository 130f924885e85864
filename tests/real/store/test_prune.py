"""Pruning keeps what is young, newest or named, takes the rest whole, and can stop anywhere."""

import contextlib
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.records import NOW, identity, node, published

from podbt.errors import ConfigError
from podbt.store import prune
from podbt.store.bucket import Bucket
from podbt.store.run_folder import RunFolder
from podbt.store.runs import list_runs, read_run
from podbt.store.store import Store
from podbt.store.volume import Volume

POLICY = prune.Policy(keep_days=10, keep_count=2)


def runs_of(store: Store, dag: str) -> list[str]:
    return [run.path.split("/")[2] for run in list_runs(store, dag=dag)]


def test_age_and_count_hold_per_task_and_pointers_for_ever(store: Store) -> None:
    published(store, identity(0, dag="old"), age=timedelta(days=300), target="clinic")  # what clinic's pointers name
    for number in range(1, 6):
        published(store, identity(number, dag="old"), age=timedelta(days=100 + number), target="none")
    for number in range(4):
        published(store, identity(number), age=timedelta(days=4 * number))
    state = {"run": "runs/old/r5/build/try-1", "finished_at": NOW.isoformat(), "manifest": "manifests/a.json"}
    store.write("targets/prod/state.json", json.dumps(state).encode())
    removals = prune.plan(store, POLICY, NOW)
    assert prune.remove(store, removals) == sum(removal.size for removal in removals) > 0
    # r1 and r2: the newest two. r1's are also what the target none names. r5: a state. r0: the last run on clinic.
    assert runs_of(store, "old") == ["r1", "r2", "r5", "r0"]
    # r3 is 12 days old and not among the newest two.
    assert runs_of(store, "nightly") == ["r0", "r1", "r2"]
    assert prune.plan(store, POLICY, NOW) == []
    assert read_run(store, "runs/old/r0/build/try-1").record.target == "clinic"


def test_a_dry_run_of_the_plan_changes_nothing(store: Store) -> None:
    for number in range(4):
        published(store, identity(number), age=timedelta(days=50 + number))
    before = sorted(entry.path for entry in store.walk())
    assert [removal.path for removal in prune.plan(store, POLICY, NOW)] == [
        f"runs/nightly/r{number}/build/try-1" for number in (2, 3)
    ]
    assert sorted(entry.path for entry in store.walk()) == before


def test_a_run_that_writes_is_left_alone_and_a_dead_one_goes(store: Store) -> None:
    folder = RunFolder.reserve(store, identity(1))
    sink = folder.sink()
    sink.write(b"{}\n")
    sink.close()
    now = datetime.now(UTC)
    assert prune.plan(store, POLICY, now + timedelta(days=9)) == []
    later = now + timedelta(days=11)
    (removal,) = prune.plan(store, POLICY, later)
    assert removal.why == "never published"
    prune.remove(store, [removal])
    assert list(store.walk("runs")) == []


def test_manifests_go_when_no_run_names_them_and_they_are_not_young(tmp_path: Path) -> None:
    root, store = tmp_path, Volume(tmp_path)
    for name in ("used", "pointed", "orphan", "young"):
        store.write(f"manifests/{name}.json", b"{}")
        if name != "young":
            os.utime(root / "manifests" / f"{name}.json", (0, 0))
    published(store, identity(1), manifest="manifests/used.json")
    store.write("targets/prod/state.json", b'{"manifest": "manifests/pointed.json"}')
    removals = prune.plan(store, POLICY)
    assert [removal.path for removal in removals] == ["manifests/orphan.json"]
    os.utime(root / "manifests/orphan.json")  # somebody publishes an equal one just now
    assert prune.remove(store, removals) == 0
    assert (root / "manifests/orphan.json").exists()
    os.utime(root / "manifests/orphan.json", (0, 0))
    assert prune.remove(store, removals) == 2


class Cut(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", range(1, 12))
def test_a_removal_that_is_cut_shows_no_half_run_and_is_gone_on_with(
    store: Store, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        published(store, identity(number), node("a"), age=timedelta(days=50 + number))
    removals = prune.plan(store, POLICY, NOW)
    left = step
    real_unlink, real_remove = os.unlink, Bucket.remove

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def act(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                raise Cut
            return real(*args, **kwargs)

        return act

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", counted(real_unlink))
        patch.setattr(Bucket, "remove", counted(real_remove))
        with contextlib.suppress(Cut):
            prune.remove(store, removals)
    for run in list_runs(store):
        assert read_run(store, run.path).nodes[0].name == "a"
    prune.remove(store, prune.plan(store, POLICY, NOW))
    assert runs_of(store, "nightly") == ["r0", "r1"]
    assert not [entry for entry in store.walk("runs") if "r2" in entry.path]


def unreadable(store: Store, number: int, content: bytes, age: timedelta) -> str:
    """A published run whose record is then spoiled; on a volume its files are made as old as the run."""
    path = published(store, identity(number), age=age, target="none")
    store.write(f"{path}/run.json", content)
    if isinstance(store, Volume):
        for file in (store.root / path).iterdir():
            os.utime(file, (when := (NOW - age).timestamp(), when))
    return path


SPOILED = [b"", b'{"schema_version": 1, "iden', b'{"schema_version": 2}', b"\xff\xfe", b"[" * 100_000]


@pytest.mark.parametrize("content", SPOILED, ids=["empty", "cut", "version", "binary", "deep"])
def test_a_record_that_cannot_be_read_stops_nothing_and_is_told(store: Store, content: bytes) -> None:
    for number in range(1, 4):
        published(store, identity(number), age=timedelta(days=20 + number))
    path = unreadable(store, 9, content, timedelta(days=1))
    told: list[Any] = []
    assert [run.path.split("/")[2] for run in list_runs(store, tell=told.append)] == ["r1", "r2", "r3"]
    removals = prune.plan(store, POLICY, NOW, told.append)
    assert [removal.path for removal in removals] == ["runs/nightly/r3/build/try-1"]
    assert [one.path for one in told] == [path, path]
    assert "\n" not in str(told[0])
    assert "is unreadable, damaged or of another version of podbt (run.json: " in str(told[0])
    with pytest.raises(ConfigError) as error:
        read_run(store, path)
    assert str(error.value).startswith(f"Run '{path}' is unreadable")


def test_an_unreadable_run_goes_by_its_files_age_and_count_and_pushes_no_other_out(tmp_path: Path) -> None:
    store = Volume(tmp_path)
    for number in (1, 2):
        published(store, identity(number), age=timedelta(days=30 + number), target="none")
    kept = unreadable(store, 7, b"", timedelta(days=9))  # younger than the limit
    old = unreadable(store, 8, b"", timedelta(days=40))  # older, and behind three others
    pointed = unreadable(store, 9, b"", timedelta(days=50))
    store.write("targets/prod/state.json", json.dumps({"run": pointed}).encode())
    (removal,) = prune.plan(store, POLICY, NOW)
    assert (removal.path, removal.why) == (old, "unreadable, last written 2026-04-22")
    prune.remove(store, [removal])
    assert not (tmp_path / old).exists()
    assert (tmp_path / kept).exists()


def test_of_a_task_with_unreadable_runs_alone_the_newest_stay(tmp_path: Path) -> None:
    store = Volume(tmp_path)
    paths = [unreadable(store, number, b"", timedelta(days=100 + number)) for number in range(3)]
    assert [removal.path for removal in prune.plan(store, POLICY, NOW)] == paths[2:]


def test_the_manifest_that_an_unreadable_run_may_have_used_stays(tmp_path: Path) -> None:
    store = Volume(tmp_path)
    unreadable(store, 1, b'{"schema_version": 2}', timedelta(days=5))
    for name, days in (("older", 7), ("since", 5.5)):
        store.write(f"manifests/{name}.json", b"{}")
        os.utime(tmp_path / f"manifests/{name}.json", (when := (NOW - timedelta(days=days)).timestamp(), when))
    assert [removal.path for removal in prune.plan(store, POLICY, NOW)] == ["manifests/older.json"]
