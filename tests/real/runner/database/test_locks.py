"""Runs as processes on one real server: who waits for whom, and that nobody waits for the dead."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from tests.support.forks import Process
from tests.support.postgres import Server
from tests.support.runner import Runner
from tests.support.waiting import wait_for

from podbt.contract.record import RunIdentity
from podbt.runner.database.lock import SCHEMA_WIDE, Lock, locks_of
from podbt.runner.database.postgres import PostgresSession, key_of, owner_text

pytestmark = pytest.mark.postgres

GATE = 7
HOLDS = f"select 1 as x from (select pg_advisory_xact_lock_shared({GATE})) as passed"
"""A model that waits while a test keeps the gate shut."""
SESSIONS = "from pg_stat_activity where application_name = 'podbt locks'"
COUNT = f"select count(*) {SESSIONS}"


@pytest.fixture
def project(runner: Runner) -> Runner:
    for name in ("first", "second"):
        (runner.folder / f"project/models/{name}.sql").write_text(HOLDS)
    return runner


def as_airflow(runner: Runner, dag_id: str, task_id: str = "build", **env: str) -> Runner:
    """The same project in another pod: a scratch folder and an identity of its own."""
    identity = {"PODBT_DAG_ID": dag_id, "PODBT_RUN_ID": "manual__2026-01-01T00:00:00+00:00", "PODBT_TASK_ID": task_id}
    return Runner(
        runner.folder,
        runner.port,
        runner.forks,
        {**runner.env, **identity, "PODBT_SCRATCH": str(runner.folder / dag_id), **env},
    )


class Gate:
    """What the models `first` and `second` wait at."""

    def __init__(self, postgres: Server) -> None:
        self._postgres = postgres
        self._connection = postgres.connect()

    def shut(self) -> None:
        self._connection.cursor().execute("select pg_advisory_lock(%s)", (GATE,))

    def open(self) -> None:
        self._connection.cursor().execute("select pg_advisory_unlock_all()")

    def reached(self) -> bool:
        waiting = "select count(*) from pg_stat_activity where wait_event = 'advisory'"
        return self._postgres.query(waiting, superuser=True) != [(0,)]

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def gate(postgres: Server) -> Iterator[Gate]:
    made = Gate(postgres)
    made.shut()
    yield made
    made.close()


def times(runner: Runner, dag_id: str, model: str) -> tuple[str, str]:
    (file,) = runner.artifacts.glob(f"runs/{dag_id}/*/*/try-1*/nodes.jsonl")
    (node,) = [one for line in file.read_text().splitlines() if (one := json.loads(line))["name"] == model]
    return node["started_at"], node["finished_at"]


def record_of(runner: Runner, dag_id: str) -> dict[str, Any]:
    (file,) = runner.artifacts.glob(f"runs/{dag_id}/*/*/try-1/run.json")
    return dict(json.loads(file.read_text()))


@pytest.fixture
def holder(project: Runner, postgres: Server, gate: Gate) -> Iterator[Process]:
    """A run in the middle of building `first`, which ends when the gate is opened."""
    process = as_airflow(project, "nightly").start("run", "--select", "first", "good")
    try:
        wait_for(gate.reached, 120)
        yield process
    finally:
        gate.open()  # also for the query of a killed client, which the server goes on with
        process.communicate(timeout=120)
        wait_for(lambda: postgres.query(COUNT, superuser=True) == [(0,)])


def line_of(process: Process, text: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return line.strip()
    raise AssertionError(f"'{text}' was not said")


def test_a_run_waits_for_one_that_writes_the_same_table_and_says_for_which(
    project: Runner, holder: Process, gate: Gate
) -> None:
    daily = as_airflow(project, "daily").start("run", "--select", "first", "second")
    run = "nightly/build (run manual__2026-01-01T00:00:00+00:00)"
    assert line_of(daily, "podbt: waits for") == f"podbt: waits for {run}, which writes warehouse.small.first"
    gate.open()
    said, _ = daily.communicate(timeout=120)
    holder.communicate(timeout=120)
    assert (holder.returncode, daily.returncode) == (0, 0), said
    assert "podbt: waits for" not in said
    assert "podbt: goes on after waiting" in said
    # Nothing of it ran before, not even the table that nobody else writes.
    for model in ("first", "second"):
        assert times(project, "daily", model)[0] >= times(project, "nightly", "first")[1]


def test_disjoint_selections_run_side_by_side(project: Runner, holder: Process, gate: Gate) -> None:
    (project.folder / "project/models/third.sql").write_text("select 1 as x")
    ended = as_airflow(project, "other").run("run", "--select", "third")
    assert ended.code == 0, ended.output
    assert "waits" not in ended.output
    assert holder.poll() is None


@pytest.mark.parametrize("command", ["test", "compile"])
def test_what_writes_nothing_waits_for_nobody(project: Runner, holder: Process, command: str) -> None:
    ended = as_airflow(project, "checks", PODBT_QUEUE_TIMEOUT="0").run(command, "--select", "good", "first")
    assert "waits" not in ended.output
    assert ended.code != 8
    assert holder.poll() is None


def test_a_killed_holder_holds_nothing(project: Runner, holder: Process) -> None:
    waiting = as_airflow(project, "daily").start("run", "--select", "good")
    line_of(waiting, "podbt: waits for nightly/build")
    os.kill(holder.pid, signal.SIGKILL)
    said, _ = waiting.communicate(timeout=120)
    assert waiting.returncode == 0, said


def test_waiting_ends_at_the_queue_timeout(project: Runner, holder: Process) -> None:
    runner = as_airflow(project, "daily", PODBT_QUEUE_TIMEOUT="2")
    ended = runner.run("run", "--select", "good")
    assert ended.code == 8, ended.output
    assert "Traceback" not in ended.output
    (file,) = project.artifacts.glob("runs/daily/*/*/try-1/run.json")
    record = json.loads(file.read_text())
    assert record["exit_reason"] == "busy"
    assert "s for nightly/build (run manual__2026-01-01T00:00:00+00:00), which writes" in record["error"]
    assert "raise queue_timeout_seconds" in record["error"]
    assert holder.poll() is None


def test_a_waiting_run_stops_when_it_is_told_to(project: Runner, holder: Process, postgres: Server) -> None:
    waiting = as_airflow(project, "daily").start("run", "--select", "good")
    line_of(waiting, "podbt: waits for nightly/build")
    waiting.send_signal(signal.SIGTERM)
    waiting.communicate(timeout=60)
    assert waiting.returncode == 4
    assert postgres.query(COUNT, superuser=True) == [(1,)]
    assert holder.poll() is None


def test_a_holder_holds_no_transaction(holder: Process, postgres: Server) -> None:
    (seen,) = postgres.query(f"select state, xact_start, backend_xmin {SESSIONS}", superuser=True)
    assert seen == ("idle", None, None)
    assert holder.poll() is None


def test_locks_that_the_server_dropped_are_taken_again(
    project: Runner, holder: Process, gate: Gate, postgres: Server
) -> None:
    ((before,),) = postgres.query(f"select pid {SESSIONS}", superuser=True)
    postgres.query(f"select pg_terminate_backend(pid) {SESSIONS}", superuser=True)
    held = f"select count(*) from pg_locks where locktype = 'advisory' and pid in (select pid {SESSIONS})"
    wait_for(lambda: postgres.query(held, superuser=True) == [(3,)])  # the schema and two tables
    assert postgres.query(f"select pid {SESSIONS}", superuser=True) != [(before,)]
    gate.open()
    said, _ = holder.communicate(timeout=120)
    assert holder.returncode == 0
    (note,) = record_of(project, "nightly")["notes"]
    assert note.startswith("the connection that held the locks was lost, and they were taken again after ")
    assert f"podbt: {note}" in said


def test_a_run_whose_locks_another_one_took_stops_and_says_so(
    project: Runner, holder: Process, postgres: Server
) -> None:
    other = postgres.connect()
    first = key_of(Lock("warehouse", "small", "first"))
    queued = threading.Thread(target=other.cursor().execute, args=("select pg_advisory_lock(%s)", (first,)))
    queued.start()
    wait_for(lambda: postgres.query(f"select count(*) from pg_locks where not granted and objid::bigint = {first & 0xFFFFFFFF}", superuser=True) == [(1,)])  # fmt: skip # noqa: E501
    postgres.query(f"select pg_terminate_backend(pid) {SESSIONS}", superuser=True)
    said, _ = holder.communicate(timeout=120)
    queued.join()
    other.close()
    assert holder.returncode == 8, said
    record = record_of(project, "nightly")
    assert record["exit_reason"] == "busy"
    assert "another session (process " in record["error"]
    assert "which writes warehouse.small.first was quicker to take them: stopped" in record["error"]
    assert "are now held by another session" in record["notes"][0]
    assert "Traceback" not in said


def test_locks_can_be_turned_off(project: Runner, holder: Process, postgres: Server) -> None:
    ended = as_airflow(project, "daily", PODBT_LOCK_TABLES="0").run("run", "--select", "good")
    assert ended.code == 0
    assert holder.poll() is None


def test_a_wrong_timeout_is_refused(project: Runner) -> None:
    ended = as_airflow(project, "daily", PODBT_QUEUE_TIMEOUT="soon").run("run")
    assert ended.code == 2
    assert ended.last_line == "podbt: PODBT_QUEUE_TIMEOUT is 'soon'. Set it to a whole number of seconds."


def test_many_who_want_overlapping_tables_all_get_them(project: Runner) -> None:
    wanted = [("first", "second"), ("second", "good"), ("good", "first"), ("first", "second", "good")]

    started = [as_airflow(project, f"dag{number}").start("run", "--select", *wanted[number]) for number in range(4)]
    said = [process.communicate(timeout=600)[0] for process in started]
    assert [process.returncode for process in started] == [0] * 4, said
    writes = sorted(times(project, f"dag{number}", "first") for number in range(4) if "first" in wanted[number])
    for before, after in pairwise(writes):
        assert after[0] >= before[1]


def session(postgres: Server, dag_id: str, *tables: tuple[str, str, str]) -> PostgresSession:
    identity = RunIdentity(dag_id=dag_id, task_id="t", run_id="r */ 100%s")
    return PostgresSession(postgres.connect(), owner_text(identity), locks_of(tables))


def test_a_run_of_many_tables_holds_one_lock_for_the_schema(postgres: Server) -> None:
    many = [("warehouse", "big", f"t{number}") for number in range(SCHEMA_WIDE + 1)]
    whole, one, other = (
        session(postgres, "whole", *many),
        session(postgres, "one", many[0]),
        session(postgres, "other", ("warehouse", "small", "x")),
    )
    try:
        assert one.attempt() is None
        assert whole.attempt() == "one/t (run r * / 100%s), which writes warehouse.big"
        assert other.attempt() is None
        one.close()
        wait_for(lambda: whole.attempt() is None)
        count = postgres.query("select count(*) from pg_locks where locktype = 'advisory'", superuser=True)
        assert count == [(3,)]  # the schema; the other's schema and table
        assert whole.intact()
    finally:
        for each in (whole, one, other):
            each.close()
    assert not whole.intact()


def test_a_lock_of_somebody_else_is_told_as_such(postgres: Server) -> None:
    table = ("warehouse", "small", "x")
    stranger, mine = postgres.connect(), session(postgres, "mine", table)
    try:
        stranger.cursor().execute("select pg_advisory_lock(%s)", (key_of(Lock(*table)),))
        said = mine.attempt()
        assert said is not None
        assert said.startswith("another session (process ")
        assert said.endswith(", user dbt), which writes warehouse.small.x")
    finally:
        stranger.close()
        mine.close()
