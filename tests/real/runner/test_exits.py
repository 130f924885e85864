"""Rows of the table of exit reasons in docs/runs.md that need more than a selection: skew, compilation, connection."""

import json
import socket
import threading
from pathlib import Path

import pytest
from tests.support.postgres import PASSWORD, Server
from tests.support.runner import Runner

from podbt.contract.exits import ExitReason
from podbt.contract.plan import load_plan

pytestmark = pytest.mark.postgres


def test_the_right_plan_runs(runner: Runner, baked: Path) -> None:
    plan = load_plan(baked / "plan.json").hash
    ended = runner.run_with({"PODBT_EXPECT_PLAN": plan}, "run", "--select", "good")
    assert ended.code == 0, ended.output
    assert runner.record()["plan_hash"] == plan


def test_another_plan_is_refused_before_dbt_starts(runner: Runner, baked: Path) -> None:
    plan = load_plan(baked / "plan.json").hash
    env = {"PODBT_EXPECT_PLAN": "c0ffee" + "0" * 58, "PODBT_IMAGE": "dbt:7", "PODBT_REVISION": "abc1234"}
    ended = runner.run_with(env, "run", "--select", "good")
    assert ended.code == ExitReason.SKEW.exit_code == 6
    assert "The DAG was built from plan c0ffee000000" in ended.output
    assert f"this image (dbt:7, revision abc1234) has plan {plan[:12]}" in ended.output
    assert "helm upgrade with dbt.image" in ended.output
    assert len(ended.output.strip().splitlines()) == 1
    assert runner.folders() == []


def test_an_image_without_a_plan_is_refused_too(runner: Runner, tmp_path: Path) -> None:
    ended = runner.run_with({"PODBT_EXPECT_PLAN": "a" * 64, "PODBT_BAKED": str(tmp_path)}, "build")
    assert ended.code == 6
    assert "this image has no plan" in ended.output


def test_a_model_that_does_not_compile_is_a_configuration_error(runner: Runner) -> None:
    """Found while it runs: what parses need not compile."""
    sql = "select {% if execute %}{{ exceptions.raise_compiler_error('no such month') }}{% endif %} 1 as x"
    (runner.folder / "project/models/broken.sql").write_text(sql)
    ended = runner.run("run", "--select", "broken")
    assert ended.code == 2, ended.output
    assert "1 of 1 nodes failed: model.small.broken: Compilation Error in model broken" in ended.last_line
    assert runner.record()["exit_reason"] == "config_error"
    # Beside a failure that a retry may help, the run is worth one.
    assert runner.run("run", "--select", "broken", "good", "divides").code == 1


def test_a_project_that_does_not_parse_is_a_configuration_error(runner: Runner) -> None:
    (runner.folder / "project/models/broken.sql").write_text("select * from {{ ref('nobody') }}")
    ended = runner.run("build")
    assert ended.code == 2
    assert "nobody" in ended.last_line


def test_a_database_that_comes_up_in_time_is_waited_for(runner: Runner, postgres: Server) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = runner.start_with(
        {"WAREHOUSE_PORT": str(port), "PODBT_CONNECTION_WAIT_SECONDS": "300"}, "run", "--select", "good"
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "podbt: The database cannot be reached" in line:
            break
    with forward(port, postgres.port):
        output = "".join(lines) + process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    assert "Trying again in 1 s" in output
    assert runner.record()["counts"] == {"total": 1, "success": 1}
    (folder,) = runner.folders()
    journal = [json.loads(line) for line in (folder / "nodes.jsonl").read_text().splitlines()]
    assert [node["status"] for node in journal] == ["success"]


def test_a_database_that_stays_away_ends_the_wait(runner: Runner) -> None:
    ended = runner.run_with({"WAREHOUSE_PORT": "1", "PODBT_CONNECTION_WAIT_SECONDS": "2"}, "run", "--select", "good")
    assert ended.code == 3
    assert ended.output.count("Trying again in") >= 1
    assert runner.record()["exit_reason"] == "connection_error"


def test_a_password_rotated_in_mid_run_is_worth_a_retry(runner: Runner, postgres: Server) -> None:
    """The next try's pod reads the Secret anew. A login refused from the start is in test_run."""
    rotated, models = "rotated-" + PASSWORD, runner.folder / "project/models"
    rotate = f"{{{{ config(post_hook=\"alter role dbt password '{rotated}'\") }}}} select 1 as x"
    (models / "first.sql").write_text(rotate)
    (models / "second.sql").write_text("select * from {{ ref('first') }}")
    runner.env |= {"PODBT_DAG_ID": "d", "PODBT_RUN_ID": "r", "PODBT_TASK_ID": "t"}
    try:
        ended = runner.run("run", "--select", "first", "second")
        assert ended.code == ExitReason.CONNECTION_ERROR.exit_code == 3, ended.output
        assert 'login that had worked in this run: password authentication failed for user "dbt"' in ended.last_line
        assert runner.record()["counts"] == {"total": 2, "success": 1, "error": 1}
        again = {"PODBT_TRY_NUMBER": "2", "WAREHOUSE_PASSWORD": rotated}
        ended = runner.run_with(again, "run", "--select", "first", "second")
        assert ended.code == 0, ended.output
        assert "going on from there: 1 nodes are done already" in ended.output
    finally:
        postgres.query(f"alter role dbt password '{PASSWORD}'", superuser=True)


class forward:  # noqa: N801 - used as a statement
    """Forwards a port to another one, as if the server had come up there."""

    def __init__(self, port: int, to: int) -> None:
        self._to = to
        self._server = socket.create_server(("127.0.0.1", port))

    def __enter__(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._to))
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=(one, other), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
