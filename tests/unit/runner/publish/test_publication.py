"""What is said of a run and what is stored of it agree, wherever the store fails while it is published."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.records import identity, node, record

from podbt.contract.record import Summary
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.prepare.freshness import Verdict
from podbt.runner.prepare.prepared import Prepared
from podbt.runner.process.redact import Redactor
from podbt.runner.publish.publication import Publication
from podbt.store import run_folder
from podbt.store.pointers import advance
from podbt.store.run_folder import RunFolder
from podbt.store.volume import Volume

FULL = OSError(28, "No space left on device")


class Published:
    """A run of one model that went well, published to a folder."""

    def __init__(
        self, root: Path, *, patience_seconds: float, sources: str | None = None, left: list[Summary] | None = None
    ) -> None:
        self.root = root
        self.left = [] if left is None else left
        scratch = root.parent / "scratch"
        scratch.mkdir()
        (scratch / "manifest.json").write_text(
            json.dumps({"nodes": {"model.p.a": {"resource_type": "model", "config": {}}}})
        )
        (scratch / "run_results.json").write_text('{"results": []}')
        self.folder = RunFolder.reserve(Volume(root), identity(1), scratch=scratch, patience_seconds=patience_seconds)
        workspace: Any = SimpleNamespace(target=scratch, logs=scratch, project=scratch)
        report: Any = SimpleNamespace(check=lambda: None, say=lambda _: None)
        termination: Any = SimpleNamespace(leave=self.left.append)
        heartbeat: Any = SimpleNamespace(stop=lambda: None)
        publication = Publication(
            folder=self.folder, workspace=workspace,
            prepared=Prepared(verdict=Verdict(arguments=Arguments.parse(["build"])), sources=sources), command="build",
            report=report, redactor=Redactor(set()), termination=termination, heartbeat=heartbeat,
        )  # fmt: skip
        self.summary = publication.publish(record(identity(1), [node("a")]), [node("a")])

    @property
    def record(self) -> dict[str, Any]:
        return dict(json.loads((self.root / self.folder.path / "run.json").read_text()))

    def pointer(self, name: str) -> bool:
        return (self.root / f"targets/prod/{name}.json").exists()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "artifacts").mkdir()
    return tmp_path / "artifacts"


def failing(real: Callable[..., Any], times: int) -> Callable[..., Any]:
    """Fails for the first calls."""
    left = [times]

    def act(*arguments: Any, **keywords: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise FULL
        return real(*arguments, **keywords)

    return act


def test_a_pointer_that_cannot_move_changes_no_result_and_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_folder, "advance", failing(advance, 10**6))
    run = Published(root, patience_seconds=0.1)
    assert run.summary.exit_reason == run.record["exit_reason"] == "success"
    assert run.summary.artifacts == run.folder.path
    assert run.summary.notes == run.record["notes"]
    assert [note.split()[0] for note in run.summary.notes] == [
        f"targets/prod/{name}.json" for name in ("latest", "latest-success", "latest-results", "state", "variables")
    ]
    assert "does not point to this run: Artifacts could not be written" in run.summary.notes[0]
    assert json.loads(run.summary.to_termination_message())["notes"] == run.summary.notes


def test_a_pointer_is_tried_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_folder, "advance", failing(advance, 2))
    run = Published(root, patience_seconds=30)
    assert run.summary.notes == []
    assert all(run.pointer(name) for name in ("latest", "latest-success", "latest-results", "state"))


def test_pointers_get_a_patience_that_publishing_has_not_used_up(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Volume, "put_lines", failing(Volume.put_lines, 1))
    monkeypatch.setattr(run_folder, "advance", failing(advance, 1))
    run = Published(root, patience_seconds=0.3)  # one pause each, and no second one
    assert run.summary.notes == []
    assert run.pointer("state")


def test_the_message_is_left_before_a_pointer_moves(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any) -> bool:
        raise SystemExit

    monkeypatch.setattr(run_folder, "advance", killed)
    left: list[Summary] = []
    with pytest.raises(SystemExit):
        Published(root, patience_seconds=0, left=left)
    assert [one.exit_reason for one in left] == ["success"]


def test_a_commit_whose_answer_alone_failed_is_a_commit(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = Volume.commit

    def commits(*arguments: Any) -> None:
        commit(*arguments)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Volume, "commit", commits)
    run = Published(root, patience_seconds=0.1)
    assert run.summary.exit_reason == run.record["exit_reason"] == "success"
    assert run.summary.notes[0].startswith("The store took the run and then failed: Artifacts could not be written")


def test_a_run_that_is_not_stored_failed_and_says_how_dbt_ended(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Volume, "commit", failing(Volume.commit, 10**6))
    run = Published(root, patience_seconds=0.1)
    assert (run.summary.exit_reason, run.summary.artifacts, run.left) == ("artifact_error", None, [])
    assert "(dbt itself ended with success)" in (run.summary.error or "")
    assert not (root / run.folder.path).exists()


@pytest.mark.parametrize("times", [1, 10**6], ids=["for a moment", "for good"])
def test_old_sources_are_asked_for_again_and_never_cost_the_run(
    root: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    Volume(root).write("runs/old/sources.json", b"{}")
    real, fails = Volume.read, failing(Volume.read, times)
    monkeypatch.setattr(
        Volume, "read", lambda store, path: (fails if path.endswith("sources.json") else real)(store, path)
    )
    run = Published(root, patience_seconds=0.4, sources="runs/old/sources.json")
    assert run.summary.exit_reason == "success"
    state = json.loads((root / "targets/prod/state.json").read_text())
    if times == 1:
        assert state["sources"] == f"{run.folder.path}/sources.json"
        assert run.summary.notes == []
    else:
        assert "sources" not in state
        assert "sources.json" in run.summary.notes[0]
