# ruff: noqa: INP001 - mounted into a pod as a single file
"""Waits for Airflow's metadata database, then becomes the command that follows.

Usage: wait_for_database.py [--wait-for migrations|roles] [--file PATH] --timeout SECONDS COMMAND...

Airflow's own commands need seconds of CPU before they find that no database answers, or an empty one. While this waits
that CPU is left to the Job that migrates. An api-server needs the roles too: where they are missing it creates some
itself, at the same time as the Job.
"""

import argparse
import os
import sys
import time
from contextlib import closing

import psycopg2

CONNECTION = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
PAUSE_SECONDS = 2
FILE_SECONDS = 240  # the kubelet brings what is new in a ConfigMap within some 90 s

# Each answers with one row and one column: null or false until the Job has come so far.
QUERIES = {
    "migrations": ("select to_regclass('alembic_version')",),
    "roles": (
        "select to_regclass('ab_permission_view_role')",
        "select exists (select from ab_permission_view_role join ab_role on ab_role.id = role_id where name = 'Admin')",
    ),
}


def libpq_uri(connection: str) -> str:
    """Takes SQLAlchemy's driver out of a connection: postgresql+psycopg2://… becomes postgresql://…."""
    scheme, _, rest = connection.partition("://")
    # Without a driver SQLAlchemy takes psycopg 3, which Airflow does not bring along.
    if not (rest and scheme.startswith("postgresql+")):
        sys.exit(
            f"{CONNECTION} names no PostgreSQL server and driver."
            " Write the Secret's value as postgresql+psycopg2://user:password@host:5432/database."
        )
    return f"postgresql://{rest}"


def not_ready(uri: str, wanted: str | None) -> str | None:
    """Says why the database cannot be used yet, or None when it can."""
    try:
        with closing(psycopg2.connect(uri, connect_timeout=5)) as connection, connection.cursor() as cursor:
            for query in QUERIES[wanted] if wanted else ():
                cursor.execute(query)
                row = cursor.fetchone()
                if row is None or not row[0]:
                    return f"it has no {wanted} yet; the migrate Job makes them"
    except psycopg2.OperationalError as error:
        # libpq's text names host, port, user and database, never the password.
        return str(error).strip().splitlines()[0]
    return None


def wait_for_file(path: str, seconds: float) -> None:
    """Waits for a file that may come into a mounted ConfigMap. Without it goes on, since it may never come."""
    deadline = time.monotonic() + seconds
    if not os.path.exists(path):  # noqa: PTH110 - nothing else here needs pathlib
        print(f"Waiting for {path}", flush=True)
    while not os.path.exists(path):  # noqa: PTH110
        if time.monotonic() > deadline:
            print(f"Going on without {path}, which did not come within {seconds:g} s", flush=True)
            return
        time.sleep(PAUSE_SECONDS)


def main() -> None:
    """Waits, then replaces this process with the command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--wait-for", choices=sorted(QUERIES))
    parser.add_argument("--timeout", type=float, required=True)
    parser.add_argument("--file")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if not options.command:
        parser.error("a command is missing")
    uri = libpq_uri(os.environ.get(CONNECTION, ""))
    deadline = time.monotonic() + options.timeout
    told = None
    while reason := not_ready(uri, options.wait_for):
        if time.monotonic() > deadline:
            sys.exit(f"The metadata database is not ready after {options.timeout:g} s: {reason}")
        if reason != told:
            print(f"Waiting for the metadata database: {reason}", flush=True)
            told = reason
        time.sleep(PAUSE_SECONDS)
    if options.file:
        wait_for_file(options.file, min(FILE_SECONDS, options.timeout))
    os.execvp(options.command[0], options.command)  # noqa: S606 - the pod's own arguments


if __name__ == "__main__":
    main()
