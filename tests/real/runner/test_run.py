"""A run from the outside: exit code, what is printed, and what lies in the artifact store."""

import json
import os
import signal
from pathlib import Path

import pytest
from tests.support.postgres import PASSWORD, Server
from tests.support.runner import Runner
from tests.support.waiting import wait_for

from podbt.cli.render import run_table
from podbt.store.runs import read_run
from podbt.store.volume import Volume
from podbt.web.read import figures_of

pytestmark = pytest.mark.postgres

AS_AIRFLOW = {"PODBT_DAG_ID": "d", "PODBT_RUN_ID": "r", "PODBT_TASK_ID": "t", "PODBT_TRY_NUMBER": "2"}


def test_a_good_run_is_published_whole(runner: Runner, postgres: Server) -> None:
    runner.env |= AS_AIRFLOW | {"PODBT_IMAGE": "dbt:1", "PODBT_REVISION": "abc"}
    ended = runner.run_anew("build", "--select", "good", "--exclude", "tag:fails", "tag:warns")
    assert ended.code == 0, ended.output
    assert "Unable to do partial parsing" not in ended.output
    (folder,) = runner.folders()
    assert folder == runner.artifacts / "runs/d/r/t/try-2"
    assert {path.name for path in folder.iterdir()} == {"run.json", "nodes.jsonl", "run_results.json", "dbt.log"}
    record = runner.record()
    assert record["exit_reason"] == "success"
    assert record["target"] == "dev"
    assert (record["image"], record["revision"]) == ("dbt:1", "abc")
    results = json.loads((folder / "run_results.json").read_text())["results"]
    assert record["counts"] == {"total": len(results), "pass": 1, "success": 1}
    assert (runner.artifacts / record["manifest"]).is_file()
    assert (folder / "dbt.log").read_text().count("Wrote artifact WritableManifest") == 1  # nodes wait for none
    assert not list((runner.folder / "scratch").rglob("graph.gpickle"))  # nor for what nobody reads
    (model,) = [n for n in read_run(Volume(runner.artifacts), "latest").nodes if n.resource_type == "model"]
    assert (model.rows, model.status) == (3, "success")
    assert postgres.query("select count(*) from small.good") == [(3,)]


def test_a_command_without_nodes_has_its_manifest_too(runner: Runner) -> None:
    macro = runner.folder / "project/macros/says.sql"
    macro.parent.mkdir(exist_ok=True)
    macro.write_text("{% macro says() %}{{ log('said', info=true) }}{% endmacro %}")
    ended = runner.run("run-operation", "says")
    assert ended.code == 0, ended.output
    assert (runner.artifacts / runner.record()["manifest"]).is_file()


def test_equal_manifests_are_stored_once(runner: Runner) -> None:
    for _ in range(2):  # each with a seed of its own for the order of sets
        assert runner.run_anew("run", "--select", "good").code == 0
    assert len(runner.folders()) == 2
    assert len(list((runner.artifacts / "manifests").iterdir())) == 1


def test_a_failing_model_is_named_with_dbts_message(runner: Runner) -> None:
    ended = runner.run("build", "--select", "divides", "after")
    assert ended.code == 1
    assert "model.small.divides: Database Error in model divides" in ended.last_line
    assert "division by zero" in ended.last_line
    record = runner.record()
    assert record["exit_reason"] == "node_failure"
    assert record["counts"] == {"total": 2, "error": 1, "skipped": 1}
    run = read_run(store := Volume(runner.artifacts), "latest")
    table = run_table(run, figures_of(store, run))
    assert "division by zero" in table
    assert not (runner.artifacts / "targets/dev/latest-success.json").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        pytest.param(["build", "--select", "good", "--exclude", "tag:warns"], 1, "test_failure", id="a test fails"),
        pytest.param(["build", "--select", "good", "--exclude", "tag:fails"], 0, "warnings", id="a test warns"),
        pytest.param(["build", "--select", "no_such_model"], 7, "empty_selection", id="nothing selected"),
        pytest.param(["build", "--selector", "nothing"], 7, "empty_selection", id="an empty selector"),
        pytest.param(["build", "--target", "nope"], 2, "config_error", id="no such target"),
        pytest.param(["build", "--selector", "nope"], 2, "config_error", id="no such selector"),
    ],
)
def test_exit_reasons(runner: Runner, arguments: list[str], code: int, reason: str) -> None:
    ended = runner.run(*arguments)
    assert ended.code == code, ended.output
    assert runner.record()["exit_reason"] == reason


def test_an_empty_selection_may_be_allowed(runner: Runner) -> None:
    runner.env["PODBT_ALLOW_EMPTY"] = "1"
    assert runner.run("build", "--selector", "nothing").code == 0
    assert (runner.record()["status"], runner.record()["exit_reason"]) == ("skipped", "nothing_to_do")
    assert not (runner.artifacts / "targets/dev/latest-success.json").exists()


def test_stale_sources_fail_and_say_how_stale(runner: Runner, postgres: Server) -> None:
    postgres.query("create schema if not exists raw")
    postgres.query("drop table if exists raw.events")
    postgres.query("create table raw.events as select now() - interval '100 hours' as loaded_at")
    ended = runner.run("source", "freshness")
    assert ended.code == 1
    assert "source.small.raw.events: newest row is from" in ended.last_line
    assert "100.0 hours old, error after 3 day" in ended.last_line
    assert (runner.folders()[0] / "sources.json").is_file()
    postgres.query("update raw.events set loaded_at = now()")
    assert runner.run("source", "freshness").code == 0
    # It says nothing about the target's tables.
    assert [path.name for path in (runner.artifacts / "targets/dev").glob("*.json")] == ["freshness.json"]


def test_a_refused_login_is_one_clear_line_without_the_password(runner: Runner) -> None:
    runner.env["WAREHOUSE_PASSWORD"] = "wrong-password-1234"
    ended = runner.run("build")
    assert ended.code == 2
    assert ended.last_line == (
        'podbt: The database refused the login: password authentication failed for user "dbt". '
        "Check the profiles Secret."
    )
    assert "wrong-password-1234" not in everything(runner.folder / "artifacts") + ended.output


def test_an_unreachable_database_is_a_connection_error(runner: Runner) -> None:
    runner.env["WAREHOUSE_PORT"] = "1"
    ended = runner.run("build")
    assert ended.code == 3
    assert "podbt: The database cannot be reached" in ended.last_line


def test_the_password_is_nowhere_even_where_a_model_prints_it(runner: Runner) -> None:
    leak = "select '{{ env_var(\"WAREHOUSE_PASSWORD\") }}'::int as leaked"
    (runner.folder / "project/models/leaks.sql").write_text(leak)
    ended = runner.run("build", "--select", "leaks")
    assert ended.code == 1
    assert PASSWORD not in everything(runner.artifacts)
    assert PASSWORD not in ended.last_line


def test_an_interrupt_cancels_the_query_and_publishes(runner: Runner, postgres: Server) -> None:
    process = runner.start_anew("run", "--select", "good", "slow")
    wait_for(lambda: postgres.asleep() == 1 and good_ended(runner))
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 4, output
    assert postgres.asleep() == 0
    record = runner.record()
    assert record["exit_reason"] == "interrupted"
    assert (runner.artifacts / record["manifest"]).is_file()
    journal = [json.loads(line) for line in (runner.folders()[0] / "nodes.jsonl").read_text().splitlines()]
    assert "success" in {node["status"] for node in journal if node["name"] == "good"}
    assert (runner.folders()[0] / "run_results.json").is_file()


def test_a_killed_run_leaves_its_journal_and_nothing_that_looks_whole(runner: Runner, postgres: Server) -> None:
    process = runner.start("run", "--select", "good", "slow")
    wait_for(lambda: good_ended(runner))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    (folder,) = runner.folders()
    assert folder.name == "try-1.partial"
    assert not (folder / "run.json").exists()
    assert not (runner.artifacts / "targets").exists()
    postgres.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'dbt'", superuser=True)


@pytest.mark.parametrize(
    ("env", "code", "said"),
    [
        pytest.param({"PODBT_ARTIFACTS": "/no/such/folder"}, 5, "'/no/such/folder' does not exist", id="no store"),
        pytest.param({"PODBT_DAG_ID": "d"}, 2, "PODBT_RUN_ID, PODBT_TASK_ID is not", id="half an identity"),
        pytest.param({"PODBT_PROJECT_DIR": "/no/project"}, 2, "No dbt_project.yml in '/no/project'", id="no project"),
        pytest.param({"DBT_PROFILES_DIR": "/no/profiles"}, 2, "No profiles.yml in '/no/profiles'", id="no profiles"),
    ],
)
def test_what_is_missing_is_said_before_dbt_starts(runner: Runner, env: dict[str, str], code: int, said: str) -> None:
    runner.env |= env
    ended = runner.run_anew("build")
    assert ended.code == code
    assert said in ended.output
    assert len(ended.output.strip().splitlines()) == 1


def test_other_commands_are_dbts_own(runner: Runner) -> None:
    listed = runner.run("ls", "--resource-type", "model", "--quiet")
    assert listed.code == 0
    assert "small.good" in listed.output
    assert runner.folders() == []
    assert runner.run("biuld").code == 2


def good_ended(runner: Runner) -> bool:
    lines = [line for path in runner.artifacts.rglob("nodes.jsonl") for line in path.read_text().splitlines()]
    return any("model.small.good" in line and '"status":"success"' in line for line in lines)


def everything(folder: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())
