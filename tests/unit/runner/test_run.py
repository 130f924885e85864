"""Runs that end before dbt does anything: each has a record, a termination message and a reason that is true."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from podbt.contract.exits import ExitReason
from podbt.contract.record import Failure
from podbt.errors import ConfigError
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.prepare.freshness import Verdict
from podbt.runner.prepare.prepared import Prepared


def test_an_interrupt_while_the_sources_are_looked_at_is_no_error_of_the_project(
    execute: Callable[..., dict[str, Any]],
) -> None:
    run = execute(ConfigError("dbt ls failed: KeyboardInterrupt"), interrupted=True)
    assert (run["code"], run["exit_reason"]) == (4, "interrupted")


def test_without_one_the_refusal_counts(execute: Callable[..., dict[str, Any]]) -> None:
    run = execute(ConfigError("dbt ls failed: Compilation Error"))
    assert (run["code"], run["exit_reason"], run["error"]) == (2, "config_error", "dbt ls failed: Compilation Error")


def test_a_store_that_cannot_be_asked_is_said_and_recorded(execute: Callable[..., dict[str, Any]]) -> None:
    run = execute(OSError(5, "Input/output error", "/artifacts/targets/prod/freshness.json"))
    assert (run["code"], run["exit_reason"]) == (5, "artifact_error")
    assert "could not be reached at '/artifacts/targets/prod/freshness.json': Input/output error" in run["error"]


def test_what_a_database_says_of_a_source_is_masked_as_well(
    execute: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    stale = Failure(unique_id="source.p.raw.orders", status="runtime error", message="no login with hunter22")
    refusal = ExitReason.NODE_FAILURE, "All of it is too old: no login with hunter22"
    run = execute(Prepared(verdict=Verdict(arguments=Arguments.parse(["build"]), stale=[stale], refusal=refusal)))
    assert run["stale"][0]["message"] == "no login with *****"
    assert run["error"] == "All of it is too old: no login with *****"
    assert "hunter22" not in capsys.readouterr().err


def test_a_store_that_fails_before_the_run_has_a_folder_is_one_line(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "artifacts/runs/d/r/t/try-1/run.json").mkdir(parents=True)
    ended = subprocess.run(
        [sys.executable, "-c", "from podbt.cli import main; raise SystemExit(main())", "run", "--", "build"],
        env={**os.environ, **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 5, ended.stderr
    assert "Artifacts could not be reached at" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert json.loads((tmp_path / "message").read_text())["exit_reason"] == "artifact_error"
