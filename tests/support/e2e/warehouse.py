"""The warehouse through psql in the database's pod, as its superuser."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.support.e2e.kube import KUBECTL, kubectl, secret

DBT_USER = "warehouse"
_POD = ("podbt-postgres-0", "--container", "postgres")
# The password comes as the first line of the input: arguments can be read by everyone on the node.
_LOGIN = 'IFS= read -r PGPASSWORD && export PGPASSWORD && exec psql "$@"'
_PSQL = ("sh", "-c", _LOGIN, "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")
_LOCKER = "podbt-e2e-locker"
_AS = ("--host=127.0.0.1", "--username=postgres", "--dbname=warehouse")


def _password() -> str:
    return secret("podbt-postgres")["password"] + "\n"


def execute(sql: str) -> str:
    return kubectl("exec", "--stdin", *_POD, "--", *_PSQL, *_AS, stdin=_password() + sql).strip()


def query(sql: str) -> list[dict[str, Any]]:
    """The rows of a SELECT."""
    text = execute(f"select coalesce(json_agg(q), '[]') from ({sql}) as q;")
    return list(json.loads(text))


def schemas() -> set[str]:
    rows = query("select nspname from pg_namespace where nspname !~ '^pg_'")
    return {str(row["nspname"]) for row in rows}


def drop(names: set[str]) -> None:
    """Drops schemas with all that is in them."""
    for name in names:
        execute(f'drop schema "{name}" cascade;')


def row_counts(relations: list[str]) -> dict[str, int]:
    parts = [f"select '{name}' as relation, count(*) as rows from {name}" for name in relations]
    return {str(row["relation"]): int(row["rows"]) for row in query(" union all ".join(parts))}


def dbt_queries() -> list[dict[str, Any]]:
    """What dbt asks the database at this moment."""
    return query(
        "select pid, state, wait_event_type, query from pg_stat_activity "
        f"where usename = '{DBT_USER}' and state <> 'idle'"
    )


def dbt_waits() -> bool:
    """Whether a query of dbt waits for a lock."""
    return any(row["wait_event_type"] == "Lock" for row in dbt_queries())


@contextmanager
def renamed(table: str, other: str) -> Iterator[None]:
    """A table under another name until the block ends."""
    schema, _, _ = table.partition(".")
    execute(f"alter table {table} rename to {other};")
    try:
        yield
    finally:
        execute(f"alter table {schema}.{other} rename to {table.partition('.')[2]};")


@contextmanager
def locked(table: str) -> Iterator[Callable[[], None]]:
    """Locks a table, so that a build that reads it waits; yields what releases it early.

    The lock is a session's: it also ends when this process does. It is released by ending the session in the database,
    since the way to the session's input does not outlive a restart of the API server.
    """
    command = (*KUBECTL, "exec", "--stdin", *_POD, "--", *_PSQL, *_AS)
    session = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert session.stdin
    assert session.stdout

    def release() -> None:
        if session.poll() is None:
            execute(f"select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{_LOCKER}';")
            session.kill()
            session.wait(timeout=60)

    try:
        session.stdin.write(_password())
        session.stdin.write(f"set application_name = '{_LOCKER}';\n")
        session.stdin.write(f"begin; lock table {table} in access exclusive mode; select 'locked';\n")
        session.stdin.flush()
        assert session.stdout.readline().strip() == "locked"
        yield release
    finally:
        release()
        with suppress(BrokenPipeError):
            session.stdin.close()
        session.stdout.close()
