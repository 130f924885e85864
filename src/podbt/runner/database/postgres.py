"""Table locks in PostgreSQL: advisory locks on a connection of their own.

The server drops them with the connection, so nothing has to clean up after a killed process; it holds no transaction,
so a run of hours keeps no dead rows from vacuum; and any client that asks the same keys is kept out, whichever Airflow,
runtime or person started it.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import select
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import psycopg2
from dbt.adapters.contracts.connection import Connection, ConnectionState
from dbt_common.exceptions import DbtRuntimeError

from podbt.contract.record import RunIdentity
from podbt.runner.database.lock import Lock, Session

# A node that is gone is noticed in two minutes; a session that only waits and holds is ended by no time limit.
_SESSION: Final = {
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "6",
    "idle_session_timeout": "0",
    "statement_timeout": "0",
}
_KEEPALIVE_SECONDS: Final = 60
_SILENCE_MILLISECONDS: Final = 30_000
_TRY: Final = """
select place, case when shared then pg_try_advisory_lock_shared(key) else pg_try_advisory_lock(key) end
from unnest(%s::bigint[], %s::boolean[]) with ordinality as wanted (key, shared, place)
"""
_RELEASE: Final = """
select case when shared then pg_advisory_unlock_shared(key) else pg_advisory_unlock(key) end
from unnest(%s::bigint[], %s::boolean[]) as held (key, shared)
"""
_HOLDER: Final = """
select activity.pid, activity.usename, activity.query
from pg_locks as held
join pg_stat_activity as activity on activity.pid = held.pid
where held.locktype = 'advisory' and held.granted and held.objsubid = 1
  and held.database = (select oid from pg_database where datname = current_database())
  and held.classid = %s::bigint::oid and held.objid = %s::bigint::oid
order by activity.backend_start
limit 1
"""
_COUNT: Final = "select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory' and granted"
_SELF: Final = "select pid, backend_start from pg_stat_activity where pid = pg_backend_pid()"
_END: Final = "select pg_terminate_backend(pid) from pg_stat_activity where pid = %s and backend_start = %s"
_LOOKS: Final = 5
_LOOK_SECONDS: Final = 5.0
_OWNER: Final = re.compile(r"/\* podbt (\[.*?\]) \*/")


_POOLED: Final = (
    "The database is reached through a pooler that gives a session's place to others between transactions (PgBouncer's "
    "pool_mode = transaction), where a lock of tables holds nobody off and stays when its run is over. "
    "Connect dbt to the server itself or to a pool of sessions, or turn the locks off: lock_tables: false."
)


class PostgresSession:
    """A connection that takes and holds a run's locks."""

    def __init__(self, handle: Any, owner: str, locks: Sequence[Lock]) -> None:
        self._handle = handle
        # The last statement of a session is public to others of its role: that is how they learn whom they wait for.
        self._comment = f"/* podbt {owner} */ "
        self._wanted = list(locks)
        self._held: list[Lock] = []
        self.backend: tuple[Any, ...] | None = None

    @classmethod
    def open(cls, adapter: Any, identity: RunIdentity, locks: Sequence[Lock]) -> "PostgresSession":
        """Connects as dbt itself does, with its profile, TLS and retries."""
        given = adapter.config.credentials
        credentials = dataclasses.replace(
            given,
            autocommit=True,
            keepalives_idle=given.keepalives_idle or _KEEPALIVE_SECONDS,
            application_name="podbt locks",
        )
        session = cls(_connected(adapter, credentials), owner_text(identity), locks)
        # Only those that this release of the server knows.
        session._query(
            "select set_config(name, (%s::jsonb) ->> name, false) from pg_settings where name = any(%s)",
            (json.dumps(_SESSION), list(_SESSION)),
        )
        session.backend = session.process()
        if session._is_pooled(lambda: cls(_connected(adapter, credentials), "", ())):
            session.close()
            raise DbtRuntimeError(_POOLED)
        return session

    def process(self) -> tuple[Any, ...] | None:
        """The server's process that answers now: its number and start; None where the server does not say."""
        return next(iter(self._query(_SELF)), None)

    def _is_pooled(self, connect: Callable[[], "PostgresSession"]) -> bool:
        """Whether another connection gets this one's process of the server, so that no lock is this one's alone.

        It asks in a thread: where each connection has a process of its own, there may be none left for another one.
        """
        if self.backend is None or self.backend[0] == self._handle.info.backend_pid:
            return False  # a pooler would have made a number up

        found = threading.Event()

        def look() -> None:
            with contextlib.suppress(DbtRuntimeError, psycopg2.Error), contextlib.closing(connect()) as other:
                for _ in range(_LOOKS):
                    if other.process() == self.process():
                        found.set()
                        return

        looking = threading.Thread(target=look, name="podbt-pooler", daemon=True)
        looking.start()
        looking.join(_LOOK_SECONDS)
        return found.is_set()

    def attempt(self) -> str | None:
        """See `Session`. Keeps the locks before the first that is taken, which rules out deadlock: all sort alike."""
        if not self._wanted:
            return None
        keys = [key_of(lock) for lock in self._wanted]
        shared = [lock.shared for lock in self._wanted]
        got = {int(place) - 1 for place, taken in self._query(_TRY, (keys, shared)) if taken}
        first = next((index for index in range(len(keys)) if index not in got), len(keys))
        beyond = [index for index in sorted(got) if index > first]
        if beyond:
            self._query(_RELEASE, ([keys[index] for index in beyond], [shared[index] for index in beyond]))
        self._held += self._wanted[:first]
        self._wanted = self._wanted[first:]
        return self._holder(self._wanted[0]) if self._wanted else None

    def intact(self) -> bool:
        """See `Session`."""
        try:
            return int(self._query(_COUNT)[0][0]) >= len(self._held)
        except DbtRuntimeError:
            return False

    def wait(self, seconds: float) -> bool:
        """See `Session`."""
        try:
            return bool(select.select([self._handle.fileno()], [], [], seconds)[0])
        except (psycopg2.Error, OSError, ValueError):  # closed
            return True

    def replace(self, dropped: Session) -> None:
        """See `Session`. A server may take minutes to notice that a client is gone, and keeps the locks as long."""
        # With its start: after a restart of the server another session may have the same number.
        if isinstance(dropped, PostgresSession) and dropped.backend is not None:
            self._query(_END, dropped.backend)

    def close(self) -> None:
        with contextlib.suppress(psycopg2.Error):
            self._handle.close()

    def _holder(self, lock: Lock) -> str:
        key = key_of(lock)
        found = self._query(_HOLDER, ((key >> 32) & 0xFFFFFFFF, key & 0xFFFFFFFF))
        who = "another run"  # it ended between the two statements
        if found:
            pid, user, query = found[0]
            who = _owner_of(query or "") or f"another session (process {pid} of the server, user {user})"
        return f"{who}, which writes {lock.name}"

    def _query(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._handle.cursor() as cursor:
                comment = self._comment.replace("%", "%%") if values else self._comment
                cursor.execute(comment + sql, tuple(values) or None)
                return list(cursor.fetchall())
        except psycopg2.Error as error:
            # In dbt's words: it prints a stack trace for any exception that is not one of its own.
            raise DbtRuntimeError(f"The locks of the tables could not be taken: {str(error).strip()}") from None


def _connected(adapter: Any, credentials: Any) -> Any:
    connection = Connection(
        type=adapter.type(),
        name="podbt locks",
        state=ConnectionState.INIT,
        transaction_open=False,
        handle=None,
        credentials=credentials,
    )
    handle = adapter.ConnectionManager.open(connection).handle
    _bound_silence(handle)
    return handle


def _bound_silence(handle: Any) -> None:
    """A server that is gone must not keep a stopped run waiting for an answer beyond its grace period."""
    with socket.socket(fileno=os.dup(handle.fileno())) as connection:
        if connection.family != socket.AF_UNIX and hasattr(socket, "TCP_USER_TIMEOUT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENCE_MILLISECONDS)


def key_of(lock: Lock) -> int:
    """The 64-bit key of a lock, the same for every run and release."""
    text = json.dumps(["podbt", lock.database, lock.schema, lock.table])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


def owner_text(identity: RunIdentity) -> str:
    """A run's identity as a comment can carry it."""
    return json.dumps([identity.dag_id, identity.task_id, identity.run_id]).replace("*/", "* /")


def _owner_of(query: str) -> str | None:
    match = _OWNER.match(query)
    if match is None:
        return None
    try:
        dag_id, task_id, run_id = json.loads(match[1])
    except ValueError:
        return None
    return f"{dag_id}/{task_id} (run {run_id})"
