"""A store that is full, read-only, slow or failing: nothing half, nothing lost silently, dbt never slowed."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.records import identity, node, point, record
from tests.support.store_servers import Faults, StoreServer, open_store, proxy

from podbt.errors import ArtifactError
from podbt.runner.process.redact import Redactor
from podbt.store import volume
from podbt.store.bucket import Bucket
from podbt.store.failures import Patience
from podbt.store.run_folder import RunFolder
from podbt.store.runs import folders, list_runs, read_run
from podbt.store.sink import StoreSink
from podbt.store.volume import Volume


def publish(folder: RunFolder, number: int = 1) -> None:
    whole = record(identity(number), [node("a")])
    folder.keep_nodes(node("a").model_dump_json().encode())
    folder.publish(whole)
    point(folder, whole)


@pytest.mark.parametrize("every", [2, 3, 5])
def test_every_kth_request_fails_and_the_run_is_published(
    s3_server: StoreServer, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    faults = Faults(fault=lambda number, _: 500 if number % every == 0 else None)
    with proxy(s3_server, faults) as server:
        store = open_store(server, monkeypatch)
        folder = RunFolder.reserve(store, identity(1), patience_seconds=60)
        publish(folder)
        assert [item.name for item in read_run(store, "latest").nodes] == ["a"]
    assert faults.seen >= every


def test_a_store_that_stays_down_is_one_clear_line_and_the_copy_is_kept(
    s3_server: StoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = Faults()
    with proxy(s3_server, faults) as server:
        store = open_store(server, monkeypatch)
        folder = RunFolder.reserve(store, identity(1), patience_seconds=1)
        faults.fault = lambda _number, method: 503 if method == "PUT" else None
        with pytest.raises(ArtifactError) as error:
            publish(folder)
        faults.fault = lambda _number, _method: None
        assert list_runs(store) == []
    assert "the server cannot be reached or does not answer well" in str(error.value)
    assert "\n" not in str(error.value)
    kept = json.loads((folder.kept / "run.json").read_text())
    assert kept["exit_reason"] == "success"
    assert (folder.kept / "nodes.jsonl").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"AWS_SECRET_ACCESS_KEY": "wrong-secret-0815"}, "refuses these credentials", id="wrong secret"),
        pytest.param({"bucket": "no-such-bucket"}, "there is no such bucket", id="no bucket"),
        pytest.param({"endpoint": "http://127.0.0.1:1"}, "the server cannot be reached", id="no server"),
    ],
)
def test_what_is_wrong_is_said_at_once_without_credentials(
    s3_server: StoreServer, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], said: str
) -> None:
    server = StoreServer(
        f"s3://{change.get('bucket', 'podbt-tests')}",
        change.get("endpoint", s3_server.endpoint),
        s3_server.env | {name: value for name, value in change.items() if name.isupper()},
    )
    store = open_store(server, monkeypatch)
    with pytest.raises(ArtifactError) as error:
        RunFolder.reserve(store, identity(1), patience_seconds=0)
    assert said in str(error.value)
    for secret in (*s3_server.env.values(), *server.env.values()):
        assert secret not in str(error.value) or secret == "us-east-1"


def test_a_slow_store_slows_no_line_and_gets_them_all(s3_server: StoreServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request takes half a second, so that one request a line would take minutes."""
    lines = 400
    with proxy(s3_server, Faults(delay_seconds=0.5)) as server:
        store = open_store(server, monkeypatch)
        folder = RunFolder.reserve(store, identity(1))
        before = folder_requests = len(list(store.walk()))
        sink = folder.sink()
        for number in range(lines):
            sink.write(f'{{"line": {number}}}\n'.encode())
        wait_for(lambda: store.read_lines(folder.partial).count(b"\n") == lines)
        sink.close()
        pieces = len(list(store.walk())) - before
    assert folder_requests == 1  # the reservation
    assert 1 <= pieces < lines / 10


class Down:
    """A target of a sink that fails, or blocks, until it is told otherwise."""

    pause_seconds = 0.0

    def __init__(self) -> None:
        self.down = True
        self.got = b""

    def deliver(self, lines: bytes) -> None:
        if self.down:
            raise OSError(28, "No space left on device")
        self.got += lines

    def close(self) -> None: ...


def test_lines_written_while_the_store_is_down_arrive_later(tmp_path: Path) -> None:
    down = Down()
    sink = StoreSink(down, tmp_path / "local/nodes.jsonl")
    text = b"".join(b'{"line": %d}\n' % number for number in range(1000))
    for line in text.splitlines(keepends=True):
        sink.write(line)
    wait_for(lambda: sink.failure is not None)
    assert (tmp_path / "local/nodes.jsonl").read_bytes() == text
    down.down = False
    sink.close()
    assert down.got == text


def test_patience_ends_and_spends_none_on_what_cannot_help() -> None:
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    def fail(error: OSError) -> Callable[[], None]:
        def act() -> None:
            raise error

        return act

    patience = Patience(10, clock=lambda: now[0], sleep=sleep)
    with pytest.raises(OSError, match="space"):
        patience(fail(OSError(28, "space")))
    assert 5 < now[0] <= 10
    assert slept == sorted(slept)
    slept.clear()
    with pytest.raises(OSError, match="read-only"):
        Patience(10, clock=lambda: now[0], sleep=sleep)(fail(OSError(30, "read-only")))
    assert slept == []


@contextmanager
def small_volume(folder: Path) -> Iterator[Path]:
    """A volume of 1 MiB."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a volume and changing the user need root")


@as_root
def test_a_full_volume_keeps_journal_and_copy_and_takes_the_run_when_there_is_room(tmp_path: Path) -> None:
    with small_volume(tmp_path / "volume") as root:
        store = Volume(root)
        folder = RunFolder.reserve(store, identity(1), patience_seconds=0.5)
        sink = folder.sink()
        sink.write(node("a").model_dump_json().encode() + b"\n")
        wait_for(lambda: store.read_lines(folder.partial) != b"")
        before = store.read_lines(folder.partial)
        (root / "filler").write_bytes(b"x" * (_room(root)))
        log = tmp_path / "dbt.log"
        log.write_bytes(b"y" * 100_000)
        with pytest.raises(ArtifactError, match=r"No space left on device\. Prune old runs"):
            folder.add([log], Redactor(set()).file)
        sink.close()
        assert store.read_lines(folder.partial) == before
        assert list_runs(store) == []
        assert (folder.kept / "dbt.log").stat().st_size == 100_000
        (root / "filler").unlink()
        publish(folder)
        assert len(list_runs(store)) == 1


def _room(root: Path) -> int:
    status = os.statvfs(root)
    return status.f_bavail * status.f_bsize


@as_root
def test_a_volume_of_somebody_else_is_said_in_one_line() -> None:
    program = (
        "import os\n"
        "from podbt.runner.process.environment import Environment\n"
        "from podbt.errors import ArtifactError\n"
        "Environment.read()\n"  # imports what it needs, while the checkout can be read
        "os.setgid(65532); os.setuid(65532)\n"
        "try: Environment.read()\n"
        "except ArtifactError as error: print(error)\n"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "volume").mkdir()
        for file in ("dbt_project.yml", "profiles.yml"):
            (folder / file).write_text("{}")
        for path in (folder, *folder.iterdir()):
            path.chmod(0o755)  # whatever the umask is
        env = {**os.environ, "PODBT_ARTIFACTS": str(folder / "volume"), "PODBT_PROJECT_DIR": name}
        env |= {"PODBT_DAG_ID": "d", "PODBT_RUN_ID": "r", "PODBT_TASK_ID": "t"}
        ended = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    assert f"'{folder / 'volume'}' is not writable by user 65532, group 65532" in ended.stdout, ended.stderr


class Cut(BaseException):
    """The process ends here."""


# Everything that changes a store goes through one of these, or through `volume.sync`.
_STEPS = ["write", "create", "exchange", "copy", "remove"]


@pytest.mark.parametrize("kind", ["folder", "s3", "gcs"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(step=st.integers(1, 14), before=st.booleans())
def test_killed_at_any_step_a_reader_sees_the_whole_run_or_none(
    kind: str, step: int, before: bool, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if kind == "folder":
            store: Any = Volume(tmp_path_factory.mktemp("store"))
        else:
            store = open_store(request.getfixturevalue(f"{kind}_server"), patch)
        count = [0]

        def cut(real: Callable[..., object]) -> Callable[..., object]:
            def act(*args: object, **options: object) -> object:
                count[0] += 1
                if count[0] == step and before:
                    raise Cut
                result = real(*args, **options)
                if count[0] == step:
                    raise Cut
                return result

            return act

        with pytest.MonkeyPatch.context() as faulty:
            for one in (Volume, Bucket):
                for name in _STEPS:
                    faulty.setattr(one, name, cut(getattr(one, name)))
            faulty.setattr(volume, "sync", cut(volume.sync))
            try:
                folder = RunFolder.reserve(store, identity(1), patience_seconds=0)
                manifest = tmp_path_factory.mktemp("m") / "manifest.json"
                manifest.write_text('{"metadata": {}, "nodes": {}}')
                path = folder.add_manifest(manifest, Redactor(set()).file)
                (manifest.parent / "run_results.json").write_text("{}")
                folder.add([manifest.parent / "run_results.json"], Redactor(set()).file)
                whole = record(identity(1), [node("a")], manifest=path)
                folder.keep_nodes(node("a").model_dump_json().encode())
                folder.publish(whole)
                point(folder, whole)
            except Cut:
                pass
        for run in list_runs(store):
            read = read_run(store, run.path)
            assert [item.name for item in read.nodes] == ["a"]
            assert store.read(f"{run.path}/run_results.json") == b"{}"
            assert store.read(str(read.record.manifest))
        for entry in store.walk("targets"):
            if entry.path.endswith(".json") and "/." not in entry.path:
                assert read_run(store, json.loads(store.read(entry.path))["run"]).nodes
        assert len(folders(store)) <= 1


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
