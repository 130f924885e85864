"""The PostgreSQL sessions that dbt opens in this process, so that none of them outlives the run.

dbt cancels the connections that are open at the moment it is interrupted, from its main thread. That misses a query
that the main thread itself waits for (a hook, the cache, a catalog), one on a connection that a worker is just opening,
and one that begins a moment later.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from podbt.runner.dbt.seams import Seam, Seams

# Lets the server notice a client that was killed (PostgreSQL 14 and newer) or whose machine is gone. Without it a query
# of such a client runs to its end.
_NOTICE = {"tcp_keepalives_idle": "60", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "6"}
_NOTICE_14 = {"client_connection_check_interval": "5s", **_NOTICE}
_VERSION_14 = 140000
_CONNECT_SECONDS = 3


class Sessions:
    """Knows every session of this process and ends them on demand. Works through psycopg2, whoever uses it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[int, tuple[Any, bool]] = {}
        self._backends: dict[int, tuple[datetime, bool]] = {}
        self._arguments: tuple[tuple[Any, ...], dict[str, Any]] | None = None
        self._connect: Callable[..., Any] | None = None
        self._refusing = False

    @property
    def seams(self) -> Seams:
        """Takes the place of psycopg2.connect, where there is a psycopg2."""
        return {Seam.CONNECT: self._connecting}

    def _connecting(self, connect: Callable[..., Any]) -> Callable[..., Any]:
        self._connect = connect
        return self._opened

    def _opened(self, *arguments: Any, **keywords: Any) -> Any:
        assert self._connect is not None  # noqa: S101 - it stands in for that
        # dbt's main thread goes on opening one: the one it cancels with.
        mine = threading.current_thread() is threading.main_thread()
        if self._refusing and not mine:
            raise RuntimeError("The run was told to stop; no further connection is opened.")
        connection = self._connect(*arguments, **keywords)
        backend = _introduce(connection)
        with self._lock:
            cancels = self._refusing and mine
            refused = self._refusing and not mine
            if not refused:
                self._open = {key: value for key, value in self._open.items() if not value[0].closed}
                self._open[id(connection)] = (connection, cancels)
                self._arguments = (arguments, keywords)
                if backend is not None:
                    self._backends[backend[0]] = (backend[1], cancels)
        if refused:
            connection.close()
            raise RuntimeError("The run was told to stop; the connection is closed again.")
        return connection

    def refuse(self) -> None:
        """From here on workers open no further session."""
        with self._lock:
            self._refusing = True

    def cancel(self) -> None:
        """Asks the server to cancel what runs, in all sessions but those with which dbt itself cancels."""
        for connection in self._connections():
            with contextlib.suppress(Exception):  # closed meanwhile
                connection.cancel()

    def terminate(self, *, everything: bool = False, patience_seconds: float = 0.0) -> int:
        """Ends the sessions themselves, through one of its own: a query may take no notice of being cancelled.

        Args:
            everything: Also those with which dbt itself cancels.
            patience_seconds: How long to see to it that they are gone.

        Returns:
            How many are still there; 0 also where the server cannot be asked.
        """
        with self._lock:
            backends = {pid: began for pid, (began, cancels) in self._backends.items() if everything or not cancels}
        if self._connect is None or self._arguments is None or not backends:
            return 0
        arguments, keywords = self._arguments
        left = 0
        try:
            own = self._connect(*arguments, **{**keywords, "connect_timeout": _CONNECT_SECONDS})
        except Exception:  # noqa: BLE001 - whatever it is, nothing can be asked of this server
            return 0
        try:
            own.autocommit = True
            deadline = time.monotonic() + patience_seconds
            while left := _terminate(own, backends):
                if time.monotonic() >= deadline:
                    break
                time.sleep(0.1)
        except Exception:  # noqa: BLE001 - as above
            return left
        finally:
            with contextlib.suppress(Exception):
                own.close()
        return left

    def cut(self) -> None:
        """Shuts the sockets, which frees a thread that waits for a server that no longer answers."""
        for connection in self._connections():
            with contextlib.suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as copy:
                copy.shutdown(socket.SHUT_RDWR)

    def _connections(self) -> list[Any]:
        with self._lock:
            return [connection for connection, cancels in self._open.values() if not cancels]


def _introduce(connection: Any) -> tuple[int, datetime] | None:
    """Makes the server notice the client's end, and learns the backend's identity, in one round trip.

    A process number alone would not do: a later session of somebody else may have the same.

    Returns:
        The backend's process number and start; None where another kind of server refuses to say, and behind a pooler,
        which makes a number up: the server's process is another client's next, and not ours to end.
    """
    settings = _NOTICE_14 if connection.server_version >= _VERSION_14 else _NOTICE
    configured = ", ".join(f"pg_catalog.set_config('{name}', '{value}', false)" for name, value in settings.items())
    autocommit = connection.autocommit
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                f"select pid, backend_start, {configured}"  # noqa: S608 - constants of this module
                " from pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())"
            )
            pid, began, *_ = cursor.fetchone()
            return (pid, began) if pid == connection.info.backend_pid else None
    except Exception:  # noqa: BLE001 - no harm
        return None
    finally:
        with contextlib.suppress(Exception):
            connection.autocommit = autocommit


def _terminate(connection: Any, backends: dict[int, datetime]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(pg_catalog.pg_terminate_backend(activity.pid)) from pg_catalog.pg_stat_activity activity"
            " join unnest(%s, %s::timestamptz[]) as ours (pid, began)"
            " on ours.pid = activity.pid and ours.began = activity.backend_start",
            (list(backends), list(backends.values())),
        )
        return int(cursor.fetchone()[0])
