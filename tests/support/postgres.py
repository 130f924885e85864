"""A throwaway PostgreSQL server on a loopback port."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

PASSWORD = "pw-" + secrets.token_hex(8)  # of both roles; looked for in everything that a run leaves


@dataclass(frozen=True)
class Server:
    """A running server with a superuser `postgres` and the role `dbt`, which owns database `warehouse`."""

    port: int

    def connect(self, *, superuser: bool = False) -> Any:
        user, database = ("postgres", "postgres") if superuser else ("dbt", "warehouse")
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, user=user, password=PASSWORD, dbname=database)
        connection.autocommit = True
        return connection

    def query(self, sql: str, *, superuser: bool = False) -> list[tuple[Any, ...]]:
        connection = self.connect(superuser=superuser)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def asleep(self) -> int:
        """How many statements are in pg_sleep() now; one that only holds the word, and may call it never, is none."""
        query = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
        (counted,) = self.query(query, superuser=True)
        return int(counted[0])


def programs() -> Path:
    """The folder with initdb and postgres; Debian keeps it off PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if found:
        return found[-1]
    if program := shutil.which("initdb"):
        return Path(program).resolve().parent
    raise RuntimeError("PostgreSQL's server programs are not installed (Debian: apt-get install postgresql).")


@contextmanager
def server() -> Iterator[Server]:
    """Runs a server until the block ends. As root it runs as `postgres`, since PostgreSQL refuses root."""
    # Not in a folder of pytest's: each new session makes those private to their owner again, under a running server.
    with tempfile.TemporaryDirectory(prefix="podbt-postgres-") as folder:
        yield from _serve(Path(folder))


def _serve(folder: Path) -> Iterator[Server]:
    demote: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    data, words, log = folder / "data", folder / "password", folder / "log"
    words.write_text(PASSWORD)
    if demote:
        for path in (folder, words):
            shutil.chown(path, "postgres", "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(program: str, *arguments: str | Path) -> None:
        command = [programs() / program, *arguments]
        ended = subprocess.run(command, cwd=folder, capture_output=True, check=False, text=True, **demote)
        if ended.returncode:
            raise RuntimeError(f"{program} failed: {ended.stdout} {ended.stderr}")

    run("initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", words, "--no-sync")
    # No durability: the server's data is deleted with the test.
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off"
    run("pg_ctl", "-D", data, "-w", "-l", log, "-o", options, "start")
    try:
        running = Server(port)
        running.query(f"create role dbt login password '{PASSWORD}'", superuser=True)
        running.query("create database warehouse owner dbt", superuser=True)
        yield running
    finally:
        run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
