"""What each store guarantees: whole files, one creator, exchange, runs that are seen whole or not at all."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.records import NOW, identity, node, published, record

from podbt.contract.exits import ExitReason
from podbt.runner.process.redact import Redactor
from podbt.store.pointers import advance
from podbt.store.run_folder import RunFolder
from podbt.store.runs import folders, list_runs, read_run
from podbt.store.store import Store


def pointer(seconds: int) -> tuple[bytes, datetime]:
    at = NOW + timedelta(seconds=seconds)
    return json.dumps({"finished_at": at.isoformat(), "run": f"runs/{seconds}"}).encode(), at


def test_of_several_creators_one_succeeds(store: Store) -> None:
    results: list[bool] = []
    threads = [threading.Thread(target=lambda: results.append(store.create("a/one", b"x"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 7 + [True]


def test_a_pointer_never_goes_back_whoever_writes_when(store: Store) -> None:
    path = "targets/prod/latest.json"
    threads = [
        threading.Thread(target=advance, args=(store, path, *pointer(number))) for number in (3, 9, 1, 7, 2, 8, 5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert json.loads(store.read(path))["run"] == "runs/9"
    assert not advance(store, path, *pointer(4))
    assert advance(store, path, *pointer(10))


def test_a_published_run_reads_back(store: Store, tmp_path: Path) -> None:
    path = published(store, identity(1), node("orders"), node("customers", "error"), reason=ExitReason.NODE_FAILURE)
    run = read_run(store, "latest")
    assert run.path == path == "runs/nightly/r1/build/try-1"
    assert [item.name for item in run.nodes] == ["orders", "customers"]
    assert {entry.path for entry in store.walk("targets") if not entry.path.endswith(".lock")} == {
        "targets/prod/latest.json"
    }


def test_an_unpublished_run_is_no_run_and_its_lines_are_there(store: Store) -> None:
    folder = RunFolder.reserve(store, identity(1))
    sink = folder.sink()
    sink.write(b'{"line": 1}\n')
    sink.write(b'{"line": 2}\n{"line": 3}\n')
    deadline = time.monotonic() + 30
    while store.read_lines(folder.partial).count(b"\n") < 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert store.read_lines(folder.partial) == b'{"line": 1}\n{"line": 2}\n{"line": 3}\n'
    assert list_runs(store) == []
    (found,) = folders(store)
    assert not found.published
    sink.close()


def test_a_try_that_is_there_is_left_alone(store: Store) -> None:
    assert published(store, identity(1), node("a")).endswith("/try-1")
    alive = RunFolder.reserve(store, identity(1))
    assert alive.path.endswith("/try-1.2")
    assert published(store, identity(1), node("b")).endswith("/try-1.3")


def test_equal_manifests_are_one_file(store: Store, tmp_path: Path) -> None:
    paths = set()
    for number in range(3):
        manifest = tmp_path / "manifest.json"
        manifest.write_text(json.dumps({"metadata": {"generated_at": number}, "nodes": {}}))
        paths.add(RunFolder.reserve(store, identity(number)).add_manifest(manifest, Redactor(set()).file))
    (path,) = paths
    assert [entry.path for entry in store.walk("manifests")] == [path]


def test_files_are_published_without_secrets(store: Store, tmp_path: Path) -> None:
    (tmp_path / "dbt.log").write_text("password hunter22 was used")
    folder = RunFolder.reserve(store, identity(1))
    folder.add([tmp_path / "dbt.log"], Redactor({"hunter22"}).file)
    folder.publish(record(identity(1), []))
    assert store.read(f"{folder.path}/dbt.log") == b"password ***** was used"


def test_the_newest_runs_come_first_and_filters_hold(store: Store) -> None:
    for number in range(6):
        reason = ExitReason.TEST_FAILURE if number % 2 else ExitReason.SUCCESS
        published(store, identity(number), age=timedelta(days=number), reason=reason, target=f"t{number % 3}")
    published(store, identity(9, dag="other"), age=timedelta(days=9))

    def listed(**filters: object) -> list[str]:
        return [run.path.split("/")[2] for run in list_runs(store, **filters)]  # type: ignore[arg-type]

    assert listed() == ["r0", "r1", "r2", "r3", "r4", "r5", "r9"]
    assert listed(limit=2) == ["r0", "r1"]
    assert listed(dag="other") == ["r9"]
    assert listed(status="failed", limit=2) == ["r1", "r3"]
    assert listed(status="test_failure", target="t2") == ["r5"]
    assert listed(dag="none") == []


def test_walking_nothing_finds_nothing(store: Store) -> None:
    assert list(store.walk("runs")) == []
    assert store.modified("none") is None
    store.remove("none")
    store.write("some", b"1")
    modified = store.modified("some")
    assert modified is not None
    assert abs(datetime.now(UTC) - modified) < timedelta(minutes=5)
