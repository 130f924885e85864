"""Tries that follow a failed, an interrupted and a killed one, with real dbt and a real PostgreSQL."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.support.postgres import Server
from tests.support.runner import Runner
from tests.support.waiting import wait_for

pytestmark = pytest.mark.postgres

TASK = {"PODBT_DAG_ID": "d", "PODBT_RUN_ID": "r", "PODBT_TASK_ID": "t", "PODBT_IMAGE": "dbt:1"}
BUILD = ("build", "--select", "good", "slow", "--exclude", "tag:fails")
OURS = "select count(*) from pg_stat_activity where usename = 'dbt'"


def nodes(folder: Path) -> dict[str, dict[str, Any]]:
    lines = (folder / "nodes.jsonl").read_text().splitlines()
    return {node["name"]: node for node in map(json.loads, lines)}


def sleeps(runner: Runner, seconds: int) -> None:
    (runner.folder / "project/models/slow.sql").write_text(f"select 1 as x from pg_sleep({seconds})")


def test_tries_go_on_from_an_interrupted_and_a_killed_one(runner: Runner, postgres: Server) -> None:
    task = runner.artifacts / "runs/d/r/t"
    sleeps(runner, 600)
    runner.env |= TASK | {"PODBT_TRY_NUMBER": "1", "PODBT_GRACE_SECONDS": "90"}
    process = runner.start(*BUILD)
    wait_for(
        lambda: postgres.asleep() == 1 and nodes(task / "try-1.partial").get("warns", {}).get("status") == "warn", 300
    )
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 4, output
    assert "Traceback" not in output
    assert postgres.query(OURS, superuser=True) == [(0,)]
    assert nodes(task / "try-1")["slow"]["status"] == "interrupted"

    runner.env["PODBT_TRY_NUMBER"] = "2"
    process = runner.start(*BUILD)
    wait_for(lambda: postgres.asleep() == 1, 300)
    os.kill(process.pid, signal.SIGKILL)
    output, _ = process.communicate(timeout=30)
    assert "try-1 ended with interrupted; going on from there: 3 nodes are done already." in output
    # The server itself notices that its client is gone.
    wait_for(lambda: postgres.query(OURS, superuser=True) == [(0,)], 60)

    alive = task / "try-2.partial/alive.json"
    alive.write_text(json.dumps({**json.loads(alive.read_text()), "at": "2026-01-01T00:00:00Z"}))
    postgres.query("drop table small.good")  # so that building it again would be seen
    sleeps(runner, 0)
    runner.env["PODBT_TRY_NUMBER"] = "3"
    ended = runner.run(*BUILD)
    assert ended.code == 0, ended.output
    assert "published what a lost try left: runs/d/r/t/try-2" in ended.output
    assert json.loads((task / "try-2/run.json").read_text())["exit_reason"] == "lost"
    record = json.loads((task / "try-3/run.json").read_text())
    assert record["resumed_from"] == "runs/d/r/t/try-2"
    assert record["exit_reason"] == "warnings"
    assert record["counts"] == {"total": 4, "pass": 1, "success": 2, "warn": 1}
    assert {name: node.get("from_try") for name, node in nodes(task / "try-3").items()} == {
        "good": 1, "unique_good_id": 1, "warns": 1, "slow": None,
    }  # fmt: skip
    assert postgres.query("select to_regclass('small.good')") == [(None,)]


def test_a_query_that_the_main_thread_waits_for_is_cancelled(runner: Runner, postgres: Server) -> None:
    project = runner.folder / "project/dbt_project.yml"
    project.write_text(project.read_text() + '\non-run-start: "select pg_sleep(600)"\n')
    runner.env |= TASK | {"PODBT_GRACE_SECONDS": "60"}
    process = runner.start("build", "--select", "good")
    wait_for(lambda: postgres.asleep() == 1, 300)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 4, output
    assert postgres.query(OURS, superuser=True) == [(0,)]
    assert runner.record()["exit_reason"] == "interrupted"


@pytest.mark.parametrize("seconds", [0.3, 1.5, 4.0])
def test_a_signal_before_the_first_node_ends_the_run_in_order(runner: Runner, postgres: Server, seconds: float) -> None:
    project = runner.folder / "project/dbt_project.yml"
    project.write_text(project.read_text() + '\non-run-start: "select pg_sleep(600)"\n')  # so no machine is too fast
    runner.env |= TASK | {"PODBT_GRACE_SECONDS": "60"}
    process = runner.start_anew("build", "--select", "good")
    # From the moment on that the run exists, which is when its folder does.
    wait_for(lambda: any(runner.artifacts.glob("runs/*/*/*/*.partial/alive.json")), 300)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert "Traceback" not in output
    assert process.returncode == 4, output
    assert runner.record()["exit_reason"] == "interrupted"
    assert postgres.query(OURS, superuser=True) == [(0,)]


def test_a_variable_that_the_project_reads_is_not_gone_on_from_with_another_value(
    runner: Runner, postgres: Server
) -> None:
    region = "select '{{ env_var('REGION') }}' as region, '{{ env_var('API_TOKEN', '') and 1 }}' as salted"
    (runner.folder / "project/models/region.sql").write_text(region)
    arguments = ("run", "--select", "region", "divides")
    runner.env |= TASK | {"REGION": "north-7", "API_TOKEN": "salt-1"}
    task = runner.artifacts / "runs/d/r/t"

    def retry(number: int, **env: str) -> str:
        runner.env |= {"PODBT_TRY_NUMBER": str(number), **env}
        ended = runner.run(*arguments)
        assert ended.code == 1, ended.output
        return ended.output

    retry(1)
    assert "going on from there: 1 nodes" in retry(2, API_TOKEN="salt-2", UNREAD="x")
    assert nodes(task / "try-2")["region"]["from_try"] == 1
    said = retry(3, REGION="south-8")
    assert "cannot be resumed, so everything runs: the hash of --vars and of what env_var() reads was" in said
    assert "from_try" not in nodes(task / "try-3")["region"]
    assert postgres.query("select region from small.region") == [("south-8",)]
    for number in (1, 3):
        assert not {"north-7", "south-8"} & set((task / f"try-{number}/run.json").read_text().split('"'))
