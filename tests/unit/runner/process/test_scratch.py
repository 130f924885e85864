"""What an earlier run left in the scratch folder is no part of the next one's."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from podbt.errors import ConfigError
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.prepare.state import resolve_state
from podbt.runner.process.scratch import Workspace, clean
from podbt.store.volume import Volume

LEFT = [
    "nodes.jsonl", "logs/dbt.log", "publish-a/run.json", "target/compiled/p/a.sql", "target/manifest.json",
    "target/partial_parse.msgpack", "target/run_results.json", "target/sources.json",
]  # fmt: skip
STAYS = ["publish-a/run.json", "target/partial_parse.msgpack"]


def workspace_in(folder: Path) -> Workspace:
    return Workspace(project=folder, profiles=folder, scratch=folder, baked=None)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    for name in LEFT:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("old")
    return workspace_in(tmp_path)


def present(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("command", "state_given", "more"),
    [
        pytest.param("build", False, [], id="build"),
        pytest.param("retry", True, [], id="retry of a state"),
        pytest.param("retry", False, ["target/manifest.json", "target/run_results.json"], id="retry of what is there"),
    ],
)
def test_only_what_nothing_is_told_from_stays(
    workspace: Workspace, command: str, state_given: bool, more: list[str]
) -> None:
    clean(workspace, command, state_given=state_given)
    assert present(workspace.scratch) == sorted([*STAYS, *more])


def test_an_empty_scratch_folder_is_fine(tmp_path: Path) -> None:
    clean(workspace_in(tmp_path), "run", state_given=False)


def test_what_cannot_be_removed_is_one_line(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ConfigError, match=r"cannot be removed \(Permission denied\).*PODBT_SCRATCH"):
        clean(workspace, "build", state_given=False)


def test_a_state_has_no_file_of_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "scratch/state").mkdir(parents=True)
    (tmp_path / "scratch/state/sources.json").write_text("old")
    root = tmp_path / "store"
    for name in ("targets/prod/state.json", "m.json"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / "m.json").write_text("{}")
    state = {"run": "r", "finished_at": "2026-01-01T00:00:00Z", "manifest": "m.json", "run_results": "x"}
    (root / "targets/prod/state.json").write_text(json.dumps(state))
    arguments = Arguments.parse(["build", "--select", "state:modified", "--state", "prod"])
    resolve_state(arguments, Volume(root), tmp_path / "scratch", tmp_path)
    assert present(tmp_path / "scratch/state") == ["manifest.json"]


def test_a_run_that_ends_before_dbt_publishes_nothing_of_an_earlier_one(
    execute: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    for name in LEFT:
        file = tmp_path / "scratch/podbt" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("old")
    run = execute(ConfigError("dbt ls failed"))
    assert run["exit_reason"] == "config_error"
    assert "manifest" not in run
    assert present(tmp_path / "artifacts/runs/d/r/t/try-2") == ["nodes.jsonl", "run.json"]
