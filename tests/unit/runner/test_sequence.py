"""Several commands in one container: which of them run, and what is said of all."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from tests.support.records import node, record

from podbt.contract.exits import ExitCode, ExitReason
from podbt.contract.record import RunIdentity, Summary
from podbt.errors import ConfigError
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.process.environment import Environment
from podbt.runner.process.interrupts import Interrupts
from podbt.runner.report.termination import Termination
from podbt.runner.sequence import parse, run_in_order
from podbt.store.run_folder import RunFolder

GOOD, BAD, NOTHING = ExitReason.SUCCESS, ExitReason.NODE_FAILURE, ExitReason.NOTHING_TO_DO


class Commands:
    """Stands for dbt: each command ends as told, the first in order of the reasons."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder, self.env = folder, env
        self.interrupts = Interrupts()
        self.ran: list[tuple[str, int | None]] = []
        self.ends: dict[str, ExitReason] = {}
        self.then: Callable[[], None] = lambda: None

    def one(self, arguments: Arguments, environment: Environment) -> int:
        name = arguments.words[0]
        self.ran.append((name, environment.identity.part))
        assert (self.folder / "message").read_text() == ""  # no earlier command's word stands for this one's
        reason = self.ends.get(name, GOOD)
        failed = reason.status == "failed"
        summary = Summary(
            status=reason.status, exit_reason=reason, error=f"{name}: boom" if failed else None, seconds=1.5,
            counts={"total": 2, "error" if failed else "success": 2}, target="prod", artifacts=f"runs/{name}",
        )  # fmt: skip
        if environment.termination_log is not None:
            Termination(environment.termination_log).leave(summary)
        self.then()
        return reason.exit_code

    def run(self, line: str, **changes: Any) -> dict[str, Any]:
        environment = replace(Environment.read(self.env), **changes)
        code = run_in_order(
            parse(line.split()), environment, self.interrupts, one=self.one, hide=lambda text: text.replace("pw", "***")
        )
        told = dict(json.loads((self.folder / "message").read_text() or "{}"))
        return told | {"code": code}

    def publish(self, part: int, line: str, reason: ExitReason, *, try_number: int = 1, **fields: Any) -> None:
        """What an earlier try left of one command."""
        root = Environment.read(self.env).artifacts
        assert root is not None
        who = RunIdentity(dag_id="d", run_id="r", task_id="t", try_number=try_number, part=part)
        folder = RunFolder.reserve(root, who, patience_seconds=1)
        sink = folder.sink()
        sink.write((node("a").model_dump_json(exclude_none=True) + "\n").encode())
        sink.close()
        facts = {"command": line.split(), "dbt_version": version("dbt-core"), "database": "x", **fields}
        folder.publish(record(who, [node("a")], reason=reason).model_copy(update=facts))


@pytest.fixture
def commands(tmp_path: Path, env: dict[str, str]) -> Commands:
    return Commands(tmp_path, env)


@pytest.mark.parametrize(
    ("line", "ends", "ran", "reason"),
    [
        pytest.param("seed && run && test", {}, ["seed", "run", "test"], GOOD, id="all well"),
        pytest.param("seed && run && test", {"run": BAD}, ["seed", "run"], BAD, id="the first failure stops"),
        pytest.param("seed ; run ; test", {"seed": BAD}, ["seed", "run", "test"], BAD, id="or does not"),
        pytest.param("seed && run ; test", {"seed": BAD}, ["seed", "test"], BAD, id="as in a shell"),
        pytest.param("seed && run", {"seed": NOTHING}, ["seed", "run"], GOOD, id="nothing to do is no failure"),
        pytest.param("seed && run", {"seed": NOTHING, "run": NOTHING}, ["seed", "run"], NOTHING, id="nothing at all"),
        pytest.param("seed && run", {"seed": ExitReason.WARNINGS}, ["seed", "run"], ExitReason.WARNINGS, id="warned"),
        pytest.param(
            "seed ; run", {"seed": BAD, "run": ExitReason.CONFIG_ERROR}, ["seed", "run"], BAD, id="the first one's"
        ),
    ],
)
def test_what_runs_and_how_it_ends(
    commands: Commands, line: str, ends: dict[str, ExitReason], ran: list[str], reason: ExitReason
) -> None:
    commands.ends = ends
    told = commands.run(line)
    names = line.replace("&&", ";").replace(" ", "").split(";")
    assert commands.ran == [(name, names.index(name) + 1) for name in ran]
    assert (told["exit_reason"], told["status"], told["code"]) == (reason, reason.status, reason.exit_code)
    assert [one["command"] for one in told["commands"]] == ran
    assert [one["exit_reason"] for one in told["commands"]] == [ends.get(name, GOOD) for name in ran]


def test_one_summary_is_about_all_of_them(commands: Commands) -> None:
    commands.ends = {"run": BAD, "test": ExitReason.TEST_FAILURE}
    told = commands.run("seed ; run --vars pw ; test")
    assert told["error"] == "run --vars ***: run: boom (2 of 3 commands failed)"
    assert told["counts"] == {"total": 6, "success": 2, "error": 4}
    assert (told["artifacts"], told["target"], told["seconds"]) == ("runs/run", "prod", 4.5)
    assert "pw" not in json.dumps(told)


def test_a_signal_keeps_the_others_from_running(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "then", lambda: setattr(commands.interrupts, "requested", True))
    told = commands.run("seed ; run")
    assert commands.ran == [("seed", 1)]
    assert (told["exit_reason"], told["code"]) == ("interrupted", 4)
    assert told["error"] == "run: The run was told to stop before this command."


def test_what_a_command_tells_dbt_is_taken_back_and_nothing_else_is_touched(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEPT", "1")
    monkeypatch.setenv("CHANGED", "before")
    monkeypatch.setenv("REMOVED", "before")

    def tells() -> None:
        os.environ |= {"CHANGED": "by the command", "DBT_TOLD": "by the command"}
        os.environ.pop("REMOVED", None)

    removed: list[str] = []
    remove = type(os.environ).__delitem__

    def removes(own: Any, name: str) -> None:
        removed.append(name)
        remove(own, name)

    commands.then = tells
    with monkeypatch.context() as patch:
        patch.setattr(type(os.environ), "__delitem__", removes)
        commands.run("seed && run")
    assert [os.environ[name] for name in ("KEPT", "CHANGED", "REMOVED")] == ["1", "before", "before"]
    assert "DBT_TOLD" not in os.environ
    assert set(removed) == {"DBT_TOLD", "REMOVED"}  # a thread that reads the others at any moment finds them


def test_a_command_without_a_word_of_its_own_is_lost(commands: Commands, tmp_path: Path) -> None:
    commands.then = (tmp_path / "message").unlink
    commands.ends = {"seed": BAD}
    told = commands.run("seed && run")
    assert (told["exit_reason"], told["code"]) == ("lost", 1)


def test_a_person_gets_the_first_failures_code(commands: Commands) -> None:
    commands.ends = {"seed": ExitReason.BUSY, "run": BAD}
    assert commands.run("seed ; run", termination_log=None)["code"] == ExitCode.BUSY


@pytest.mark.parametrize("line", ["&& run", "run &&", "run ; ; test", ";"])
def test_half_a_pair_is_refused(line: str) -> None:
    with pytest.raises(ConfigError, match="one of them is missing"):
        parse(line.split())


def test_words_of_one_command_are_as_before() -> None:
    for line in ("dbt build --select a", "build --select a"):
        (part,) = parse(line.split())
        assert part.arguments.words == ["build", "--select", "a"]


def test_a_try_goes_on_behind_what_ended_well(commands: Commands, capsys: pytest.CaptureFixture[str]) -> None:
    commands.publish(1, "seed", GOOD)
    commands.publish(2, "run", BAD)
    told = commands.run("seed && run && test")
    assert commands.ran == [("run", 2), ("test", 3)]
    assert told["exit_reason"] == "success"
    first = {"command": "seed", "exit_reason": "success", "from_try": 1, "artifacts": "runs/d/r/t@command-1/try-1"}
    assert told["commands"][0] == first
    assert "command 1 of 3 ended well in try-1: seed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("published", "changes", "ran"),
    [
        pytest.param([GOOD, GOOD], {}, ["seed", "run"], id="all ended well: somebody asked again"),
        pytest.param([BAD, GOOD], {}, ["seed", "run"], id="what is behind a failure runs again"),
        pytest.param([GOOD, BAD], {"resume": False}, ["seed", "run"], id="resuming is off"),
        pytest.param([GOOD, BAD], {"image": "dbt:2"}, ["seed", "run"], id="another image"),
        pytest.param([GOOD, BAD], {"revision": "b"}, ["seed", "run"], id="another project"),
        pytest.param([NOTHING, BAD], {}, ["run"], id="nothing to do is well"),
        pytest.param([GOOD], {}, ["run"], id="the second never began"),
        pytest.param([], {}, ["seed", "run"], id="no earlier try"),
    ],
)
def test_what_an_earlier_try_is_worth(
    commands: Commands, published: list[ExitReason], changes: dict[str, Any], ran: list[str]
) -> None:
    for part, (line, reason) in enumerate(zip(("seed", "run"), published, strict=False), 1):
        commands.publish(part, line, reason)
    commands.run("seed && run", **changes)
    assert [name for name, _ in commands.ran] == ran


def test_another_command_line_is_another_command(commands: Commands) -> None:
    commands.publish(1, "seed --select a", GOOD)
    commands.publish(2, "run", BAD)
    commands.run("seed && run")
    assert [name for name, _ in commands.ran] == ["seed", "run"]


def test_freshness_asks_anew_and_holds_nothing_up(commands: Commands) -> None:
    commands.publish(1, "source freshness", GOOD)
    commands.publish(2, "seed", GOOD)
    commands.publish(3, "run", BAD)
    commands.run("source freshness && seed && run")
    assert [name for name, _ in commands.ran] == ["source", "run"]
