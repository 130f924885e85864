"""Keeps the index up to date beside the pages: a thread in each api-server process, of which one at a time reads.

While nobody looks at a page it reads seldom. Pages never wait for it, and it never writes to the store.
"""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from sqlite3 import Error as DatabaseError
from typing import Final

from podbt.errors import PodbtError
from podbt.store.failures import store_errors, unreachable
from podbt.store.store import Store
from podbt.web.index.database import Database
from podbt.web.index.fill import scan

_log = logging.getLogger(__name__)

SOON_SECONDS: Final = 3.0
_SELDOM_SECONDS: Final = 60.0
_WATCHED_SECONDS: Final = 60.0
"""So long after somebody looked at a page the store is looked at often."""
_SHARE: Final = 10.0
"""The thread pauses for so many times what its last look took: a large store costs a tenth of a core at most."""


class Keeper:
    """Begins with the first page that somebody asks for."""

    def __init__(self, database: Database, open_store: Callable[[], Store]) -> None:
        """Prepares.

        Args:
            database: The index.
            open_store: Makes the store's client, which may fail where its settings are wrong.
        """
        self._database = database
        self._open_store = open_store
        self._wake = threading.Event()
        self._begin = threading.Lock()
        self._thread: threading.Thread | None = None
        self._watched_at = 0.0

    def watched(self) -> None:
        """Somebody looks at a page."""
        first = time.monotonic() - self._watched_at > _WATCHED_SECONDS
        self._watched_at = time.monotonic()
        with self._begin:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="podbt-index", daemon=True)
                self._thread.start()
            elif first:
                self._wake.set()

    def _run(self) -> None:
        lock = _Lock(self._database.file.with_suffix(".lock"))
        while True:
            took = self._look() if lock.taken() else 0.0
            watched = time.monotonic() - self._watched_at < _WATCHED_SECONDS
            self._wake.wait(max(SOON_SECONDS if watched else _SELDOM_SECONDS, min(took * _SHARE, 10 * _SELDOM_SECONDS)))
            self._wake.clear()

    def _look(self) -> float:
        """Brings the index up to date once. What fails is told on the pages, and tried again.

        Returns:
            The seconds that it took.
        """
        began = time.monotonic()
        error = ""
        try:
            scan(self._database, self._open_store())
        except PodbtError as problem:
            error = str(problem)
        except store_errors() as problem:
            error = str(unreachable("the artifact store", problem))
        except DatabaseError as problem:
            error = f"The index at '{self._database.file}' cannot be written ({problem})."
            _log.warning("%s", error)
        with suppress(DatabaseError):
            self._database.note("error", error)
        return time.monotonic() - began


class _Lock:
    """Which process reads: the one that holds a lock, which a process that ends gives back."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def taken(self) -> bool:
        if self._handle is not None:
            return True
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        self._handle = handle
        return True
