"""The `podbt` command from the outside."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from podbt.contract import layout
from podbt.contract.exits import ExitReason
from podbt.contract.record import NodeRecord, RunIdentity, RunRecord, counts_of, failures_of
from podbt.contract.state import Pointer
from podbt.runner.process.redact import Redactor
from podbt.store.run_folder import RunFolder
from podbt.store.volume import Volume

COMMAND = [sys.executable, "-c", "import sys; from podbt.cli import main; sys.exit(main())"]


def podbt(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)


def published(root: Path, run_id: str, *nodes: NodeRecord, reason: ExitReason = ExitReason.SUCCESS) -> str:
    """Publishes a run the way the runner does."""
    identity = RunIdentity(dag_id="nightly", run_id=run_id, task_id="build")
    folder = RunFolder.reserve(Volume(root), identity)
    lines = (node.model_dump_json(exclude_none=True) + "\n" for node in nodes)
    (root / folder.partial / "nodes.jsonl").write_text("".join(lines))
    now = datetime.now(UTC)
    record = RunRecord(
        identity=identity,
        status=reason.status,
        exit_reason=reason,
        command=["build"],
        target="prod",
        counts=counts_of(list(nodes)),
        failures=failures_of(list(nodes)),
        started_at=now,
        finished_at=now,
        seconds=1.5,
        podbt_version="0",
        dbt_version="1",
    )
    folder.add([], Redactor(set()).file)
    folder.publish(record)
    folder.point("prod", layout.LATEST, Pointer(run=folder.path, finished_at=now))
    return folder.path


def node(name: str, status: str = "success", kind: str = "model", message: str | None = None) -> NodeRecord:
    return NodeRecord(
        unique_id=f"{kind}.p.{name}", name=name, resource_type=kind, status=status, seconds=0.5, rows=7, message=message
    )


def test_a_run_is_shown_as_a_table(tmp_path: Path) -> None:
    path = published(tmp_path, "r1", node("orders"), node("unique_id", "pass", "test"))
    shown = podbt("runs", "show", path, "--artifacts", str(tmp_path))
    assert shown.returncode == 0
    assert shown.stdout.splitlines()[:2] == ["status   seconds  rows  node", "success     0.50     7  orders"]
    assert "and 1 tests that passed" in shown.stdout
    assert "success: 2 nodes (1 pass, 1 success) in 1.5 s, target prod" in shown.stdout


def test_latest_is_the_newest_and_a_failure_shows_its_message(tmp_path: Path) -> None:
    published(tmp_path, "r1", node("orders"))
    published(tmp_path, "r2", node("orders", "error", message="boom"), reason=ExitReason.NODE_FAILURE)
    shown = podbt("runs", "show", "latest", "--artifacts", str(tmp_path))
    assert "orders  boom" in shown.stdout
    assert "node_failure" in shown.stdout


def test_a_try_that_was_there_before_is_never_overwritten(tmp_path: Path) -> None:
    assert published(tmp_path, "r", node("a")).endswith("/try-1")
    assert published(tmp_path, "r", node("a")).endswith("/try-1.2")


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    path = published(tmp_path, "r", *(node(f"model_{number}") for number in range(3000)))
    with subprocess.Popen(
        [*COMMAND, "runs", "show", path, "--artifacts", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["runs", "show", "runs/none"], "No run at 'runs/none'", id="no such run"),
        pytest.param(["runs", "show", "latest"], "No run has been published", id="nothing yet"),
        pytest.param(["runs", "show", "../.."], "is not inside the artifact store", id="outside"),
        pytest.param(["run"], "behind two dashes", id="run without dashes"),
        pytest.param(["plan", "--output", "x", "--project-dir", "none"], "No dbt_project.yml", id="no project"),
    ],
)
def test_a_mistake_is_one_line_and_code_2(tmp_path: Path, arguments: list[str], said: str) -> None:
    where = ["--artifacts", str(tmp_path)] if arguments[0] == "runs" else []
    ended = podbt(*arguments, *where)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_store_that_cannot_be_read_and_a_damaged_pointer_are_one_line(tmp_path: Path) -> None:
    latest = tmp_path / "targets/prod/latest.json"
    latest.parent.mkdir(parents=True)
    latest.write_text("{")
    for arguments in (["runs", "show", "latest"], ["prune", "--keep-days", "1", "--keep-count", "1"]):
        ended = podbt(*arguments, "--artifacts", str(tmp_path))
        assert ended.returncode == 2
        assert "targets/prod/latest.json" in ended.stderr
        assert ended.stderr.count("\n") == 1
    (tmp_path / "runs/d/r/t/try-1.partial/alive.json").mkdir(parents=True)
    (tmp_path / "runs/d/r/t/try-1.partial/run.json").write_text("{}")
    (tmp_path / "runs/d/r/t/try-1.partial").rename(tmp_path / "runs/d/r/t/try-1")
    (tmp_path / "runs/d/r/t/try-1/nodes.jsonl").mkdir()
    ended = podbt("runs", "show", "runs/d/r/t/try-1", "--artifacts", str(tmp_path))
    assert ended.returncode == 2
    assert "Is a directory" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_run_that_cannot_be_read_is_one_line_and_the_others_are_listed_and_pruned(tmp_path: Path) -> None:
    good, bad = published(tmp_path, "r1", node("orders")), published(tmp_path, "r2")
    (tmp_path / bad / "run.json").write_text('{"schema_version": 2}')
    listed = podbt("runs", "list", "--artifacts", str(tmp_path))
    assert listed.returncode == 0
    assert listed.stdout.splitlines()[1].endswith(good)
    assert listed.stderr.startswith(f"podbt: '{bad}' is unreadable")
    assert listed.stderr.count("\n") == 1
    pruned = podbt("prune", "--keep-days", "1", "--keep-count", "1", "--json", "--artifacts", str(tmp_path))
    assert pruned.returncode == 0
    said = json.loads(pruned.stdout)
    assert said["removed"] == []
    assert [one["path"] for one in said["unreadable"]] == [bad]
    shown = podbt("runs", "show", bad, "--artifacts", str(tmp_path))
    assert shown.returncode == 2
    assert shown.stderr.startswith(f"podbt: Run '{bad}' is unreadable")
    assert shown.stderr.count("\n") == 1
