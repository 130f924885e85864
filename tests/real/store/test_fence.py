"""A run that was taken for dead and wakes up: the folder tells one truth, and whoever comes second learns of it."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.records import NOW, identity, node, record

from podbt.contract.exits import ExitReason
from podbt.contract.journal import Alive, lines_of
from podbt.contract.record import RunStart, counts_of
from podbt.errors import ArtifactError
from podbt.runner.process.redact import Redactor
from podbt.store import tries, volume
from podbt.store.bucket import Bucket
from podbt.store.recover import recover
from podbt.store.run_folder import RunFolder
from podbt.store.runs import folders, read_run
from podbt.store.store import Store, TakenError
from podbt.store.volume import Volume

NODES = [node("a"), node("b")]


def began(store: Store) -> RunFolder:
    """A run that has told of its first node and is silent since."""
    folder = RunFolder.reserve(store, identity(1), patience_seconds=0)
    start = RunStart(
        identity=identity(1), started_at=NOW, command=["build"], target="prod", podbt_version="0", dbt_version="1"
    )
    folder.beat(Alive(start=start, beat=1, at=NOW).model_dump_json(exclude_none=True).encode())
    sink = folder.sink()
    sink.write(lines_of(NODES[:1]))
    sink.close()
    return folder


def ends(folder: RunFolder, log: Path) -> None:
    """The run itself publishes, as `Publication` does."""
    whole = record(identity(1), NODES)
    folder.keep_nodes(lines_of(NODES))
    folder.keep(whole)
    folder.put_nodes()
    folder.add([log], Redactor(set()).file)
    folder.publish(whole)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "dbt.log"
    file.write_text("x")
    return file


def test_a_run_that_wakes_up_learns_that_it_was_recovered_and_changes_nothing(store: Store, log: Path) -> None:
    folder = began(store)
    assert recover(store, folder.partial) == folder.path
    before = {entry.path: store.read(entry.path) for entry in store.walk("runs")}
    with pytest.raises(TakenError):
        folder.beat(b"{}")
    with pytest.raises(ArtifactError) as error:
        ends(folder, log)
    assert "somebody took this run for dead and published what it had" in str(error.value)
    assert "\n" not in str(error.value)
    with pytest.raises(ArtifactError, match="took this run for dead"):
        RunFolder(store, folder.partial, patience_seconds=0).publish(record(identity(1), NODES))  # without nodes
    assert {entry.path: store.read(entry.path) for entry in store.walk("runs")} == before
    run = read_run(store, folder.path)
    assert run.record.exit_reason is ExitReason.LOST
    assert [one.name for one in run.nodes] == ["a"]


def test_a_run_that_publishes_is_no_news_to_itself(store: Store) -> None:
    folder = began(store)
    folder.keep_nodes(lines_of(NODES))
    folder.put_nodes()
    folder.beat(b"{}")
    folder.put_nodes()  # say its answer was lost


_STEPS = ["write", "create", "copy"]
"""Everything that changes a folder goes through one of these, or through `volume.sync`."""


def at_step(number: int, act: Callable[[], object], patch: pytest.MonkeyPatch) -> None:
    """Does something right before a step that changes the store, once."""
    left = [number]

    def wrapped(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: Any, **keywords: Any) -> object:
            left[0] -= 1
            if left[0] == 0:
                act()
            return real(*arguments, **keywords)

        return call

    for kind in (Volume, Bucket):
        for name in _STEPS:
            patch.setattr(kind, name, wrapped(getattr(kind, name)))
    patch.setattr(volume, "sync", wrapped(volume.sync))


@pytest.mark.parametrize("wakes", [False, True], ids=["recovered while it publishes", "wakes while it is recovered"])
@pytest.mark.parametrize("step", range(1, 9))
def test_at_no_moment_two_truths(store: Store, log: Path, step: int, wakes: bool) -> None:
    folder = began(store)
    said: list[str] = []

    def run_ends() -> None:
        try:
            ends(folder, log)
            said.append("success")
        except ArtifactError:
            said.append("artifact_error")

    def is_recovered() -> None:
        if isinstance(store, Volume):
            with contextlib.suppress(FileNotFoundError):
                recover(store, folder.partial)
        else:
            recover(store, folder.partial)

    first, second = (is_recovered, run_ends) if wakes else (run_ends, is_recovered)
    with pytest.MonkeyPatch.context() as patch:
        at_step(step, second, patch)
        first()
    if not said:  # the step was never reached
        run_ends()
    tries.settle_earlier(store, identity(1), grace_seconds=0, alive=lambda *_: False)
    (only,) = folders(store)
    assert only.published
    run = read_run(store, folder.path)
    assert run.record.counts == counts_of(run.nodes)
    stored = json.loads(store.read(f"{folder.path}/run.json"))["exit_reason"]
    assert (stored, said) in [("success", ["success"]), ("lost", ["artifact_error"])]
