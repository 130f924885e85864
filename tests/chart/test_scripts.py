"""The scripts that pods run before and beside Airflow, as processes with a real database."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.chart.manifests import CHART
from tests.support.postgres import PASSWORD, Server
from tests.support.waiting import wait_for

pytestmark = pytest.mark.postgres

HEARTBEAT = CHART / "files" / "heartbeat.py"
WAIT = CHART / "files" / "wait_for_database.py"
AWAY = f"postgresql+psycopg2://dbt:{PASSWORD}@127.0.0.1:1/warehouse"
ADDRESS = socket.gethostbyname(socket.getfqdn())


def connection(postgres: Server) -> str:
    return f"postgresql+psycopg2://dbt:{PASSWORD}@127.0.0.1:{postgres.port}/warehouse"


def start(uri: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": uri, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(uri: str, *arguments: object) -> tuple[int, str]:
    process = start(uri, *arguments)
    output, _ = process.communicate(timeout=60)
    assert PASSWORD not in output
    return process.returncode, output.strip()


@pytest.fixture
def jobs(postgres: Server) -> Iterator[Any]:
    """Airflow's table of jobs, as far as the probe reads it; the fixture adds a row to it."""
    postgres.query("create table job (job_type text, hostname text, state text, latest_heartbeat timestamptz)")

    def add(*, age: str = "1 second", hostname: str = ADDRESS, state: str = "running") -> None:
        row = f"('TriggererJob', '{hostname}', '{state}', now() - interval '{age}')"
        postgres.query(f"insert into job values {row}")

    yield add
    postgres.query("drop table job")


def test_a_young_heartbeat_is_healthy(postgres: Server, jobs: Any) -> None:
    jobs(age="2 hours", state="running")
    jobs(age="1 second")
    assert run(connection(postgres), HEARTBEAT, "TriggererJob", "--max-age=600") == (0, "")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"age": "1 hour"}, r" is (3600|36[0-9]{2}) s old"),  # and what has passed since
        ({"hostname": "192.0.2.1"}, "No running TriggererJob"),
        ({"state": "failed"}, "No running TriggererJob"),
    ],
    ids=["old", "of another pod", "ended"],
)
def test_what_is_not_a_heartbeat(postgres: Server, jobs: Any, row: dict[str, str], words: str) -> None:
    jobs(**row)
    code, output = run(connection(postgres), HEARTBEAT, "TriggererJob", "--max-age=600", "--tolerate-database-failure")
    assert code == 1
    assert re.search(words, output)


@pytest.mark.parametrize(("flags", "expected"), [([], 1), (["--tolerate-database-failure"], 0)], ids=["ready", "alive"])
def test_a_database_that_is_away(flags: list[str], expected: int) -> None:
    code, output = run(AWAY, HEARTBEAT, "TriggererJob", "--max-age=60", *flags)
    assert code == expected
    assert "does not answer" in output


def test_a_database_that_never_answers_is_one_that_is_away(postgres: Server, jobs: Any) -> None:
    """The kubelet ends a probe that says nothing, and calls that a failure: a hung database would restart Airflow."""
    jobs()
    holding = postgres.connect()
    holding.autocommit = False
    try:
        with holding.cursor() as cursor:
            cursor.execute("lock table job in access exclusive mode")
        asked = (connection(postgres), HEARTBEAT, "TriggererJob", "--max-age=600", "--patience=1")
        for flags, expected in (([], 1), (["--tolerate-database-failure"], 0)):
            code, output = run(*asked, *flags)
            assert (code, output) == (expected, "The metadata database does not answer within 1 s.")
    finally:
        holding.close()


BEATS = """
import os, sys, time, psycopg2
connection = psycopg2.connect("postgresql://" + os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].partition("://")[2])
connection.autocommit = True
while True:
    with connection.cursor() as cursor:
        cursor.execute("update job set latest_heartbeat = now()")
    print("beat", flush=True)
    time.sleep(0.1)
"""


def test_a_stopped_process_is_found(postgres: Server, jobs: Any) -> None:
    """SIGSTOP leaves the process, its sockets and its database session: only its heartbeats end."""
    jobs(age="1 hour")
    probe = (connection(postgres), HEARTBEAT, "TriggererJob", "--tolerate-database-failure")
    with start(connection(postgres), "-c", BEATS) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            assert run(*probe, "--max-age=600") == (0, "")
            process.send_signal(signal.SIGSTOP)
            wait_for(lambda: run(*probe, "--max-age=1")[0] == 1)
            code, output = run(*probe, "--max-age=1")
            assert code == 1
            assert "The last heartbeat of TriggererJob" in output
            process.send_signal(signal.SIGCONT)
            wait_for(lambda: run(*probe, "--max-age=600")[0] == 0)
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("wanted", "steps"),
    [
        ("migrations", ["create table alembic_version ()"]),
        (
            "roles",
            [
                "create table ab_role (id int, name text)",
                "insert into ab_role values (1, 'Admin')",
                "create table ab_permission_view_role (role_id int); insert into ab_permission_view_role values (1)",
            ],
        ),
    ],
)
def test_waiting_for_the_job(postgres: Server, wanted: str, steps: list[str]) -> None:
    try:
        with start(
            connection(postgres), WAIT, f"--wait-for={wanted}", "--timeout=60", "echo", "the command"
        ) as waiting:
            assert waiting.stdout
            assert waiting.stdout.readline() == (
                f"Waiting for the metadata database: it has no {wanted} yet; the migrate Job makes them\n"
            )
            for sql in steps:
                postgres.query(sql)
            assert waiting.stdout.readline() == "the command\n"
        assert waiting.returncode == 0
    finally:
        postgres.query("drop table if exists alembic_version, ab_role, ab_permission_view_role")


def test_the_wait_ends_with_a_reason(postgres: Server) -> None:
    code, output = run(AWAY, WAIT, "--timeout=0", "echo", "the command")
    assert code == 1
    assert "not ready after 0 s" in output
    assert "the command" not in output
    code, output = run(connection(postgres), WAIT, "--wait-for=roles", "--timeout=0", "echo", "the command")
    assert code == 1
    assert "it has no roles yet" in output


def test_the_command_takes_the_place_of_the_wait(postgres: Server) -> None:
    """The kubelet's signals and exit codes must reach Airflow itself."""
    process = start(connection(postgres), WAIT, "--timeout=60", sys.executable, "-c", "import os; print(os.getpid())")
    output, _ = process.communicate(timeout=60)
    assert int(output) == process.pid


@pytest.mark.parametrize(
    "uri",
    ["", "mysql+x://a:b@host/db", "postgresql+psycopg2", "postgresql://a:b@host/db"],
    ids=["empty", "other server", "no address", "no driver"],
)
def test_other_connections_are_refused(uri: str) -> None:
    code, output = run(uri, WAIT, "--timeout=0", "echo")
    assert code == 1
    assert "postgresql+psycopg2://" in output
