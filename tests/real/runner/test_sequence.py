"""Several dbt commands in one process, with real dbt: a record each, and a retry that goes on."""

import json
import signal
from typing import Any

import pytest
from tests.support.postgres import Server
from tests.support.runner import Runner, ended
from tests.support.waiting import wait_for

pytestmark = pytest.mark.postgres

AS_AIRFLOW = {"PODBT_DAG_ID": "d", "PODBT_RUN_ID": "r", "PODBT_TASK_ID": "t", "PODBT_CONNECTION_WAIT_SECONDS": "30"}


@pytest.fixture
def told(runner: Runner) -> Any:
    message = runner.folder / "message"
    message.touch()
    runner.env |= AS_AIRFLOW | {"PODBT_TRY_NUMBER": "1", "PODBT_TERMINATION_LOG": str(message)}
    return lambda: json.loads(message.read_text())


def records(runner: Runner) -> dict[str, tuple[str, str]]:
    """Exit reason and first word of the command of each record, by task and try."""
    found = {}
    for folder in runner.folders():
        record = json.loads((folder / "run.json").read_text())
        found[f"{folder.parent.name}/{folder.name}"] = (record["exit_reason"], record["command"][0])
    return found


def test_each_command_has_its_record_and_a_retry_goes_on_behind_them(
    runner: Runner, postgres: Server, told: Any
) -> None:
    line = ["seed", "&&", "run", "--select", "good", "divides", "&&", "docs", "generate"]
    ran = runner.run(*line)
    assert ran.code == 1, ran.output
    first = {"t@command-1/try-1": ("success", "seed"), "t@command-2/try-1": ("node_failure", "run")}
    assert records(runner) == first
    said = told()
    assert said["exit_reason"] == "node_failure"
    assert "division by zero" in said["error"]
    assert said["counts"] == {"total": 3, "success": 2, "error": 1}
    assert [one["exit_reason"] for one in said["commands"]] == ["success", "node_failure"]
    assert said["artifacts"] == "runs/d/r/t@command-2/try-1"
    (runner.folder / "project/models/divides.sql").write_text("select 1 as x from {{ ref('good') }}")
    runner.env |= {"PODBT_TRY_NUMBER": "2"}
    postgres.query("drop table if exists small.codes cascade")
    again = runner.run(*line)
    assert again.code == 0, again.output
    assert records(runner) == first | {
        "t@command-2/try-2": ("success", "run"),
        "t@command-3/try-2": ("success", "docs"),
    }
    assert [(one["exit_reason"], one.get("from_try")) for one in told()["commands"]] == [
        ("success", 1), ("success", None), ("success", None),
    ]  # fmt: skip
    assert "command 1 of 3 ended well in try-1: seed" in again.output
    assert postgres.query("select to_regclass('small.codes')") == [(None,)]  # it was not seeded again


def test_what_a_command_selects_is_nothing_to_the_next(runner: Runner, told: Any) -> None:
    ran = runner.run("run", "--select", "good", ";", "build", "--select", "no_such", ";", "run", "--select", "good")
    assert ran.code == 7, ran.output
    assert told()["counts"] == {"total": 2, "success": 2}
    assert [reason for reason, _ in records(runner).values()] == ["success", "empty_selection", "success"]


def test_a_signal_ends_the_command_and_keeps_the_next_from_beginning(runner: Runner, told: Any) -> None:
    process = runner.start("run", "--select", "slow", ";", "seed")
    wait_for(lambda: any(runner.artifacts.glob("runs/d/r/t@command-1/*/alive.json")))
    process.send_signal(signal.SIGTERM)
    done = ended(process)
    assert done.code == 4, done.output
    assert told()["exit_reason"] == "interrupted"
    assert list(records(runner)) == ["t@command-1/try-1"]


def test_a_command_that_cannot_begin_stops_the_rest(runner: Runner, told: Any) -> None:
    ran = runner.run("run", "--select", "state:new", "--state", "prod", "&&", "seed")
    assert ran.code == 2, ran.output
    assert records(runner) == {}
    assert told()["exit_reason"] == "config_error"
    assert [one["exit_reason"] for one in told()["commands"]] == ["config_error"]


def test_a_person_may_run_several_too(runner: Runner) -> None:
    ran = runner.run("run", "--select", "good", "&&", "ls", "--select", "good", "&&", "run", "--select", "divides")
    assert ran.code == 1, ran.output
    assert "small.good" in ran.output
    assert [reason for reason, _ in records(runner).values()] == ["success", "node_failure"]
