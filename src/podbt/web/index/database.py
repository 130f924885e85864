"""The index's file: its tables, and a connection for each thread."""

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_VERSION: Final = 1
"""Of the tables. A file of another version is made anew."""
_BUSY_SECONDS: Final = 5.0

_TABLES: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  stamp TEXT NOT NULL,
  dag_id TEXT NOT NULL, run_id TEXT NOT NULL, task_id TEXT NOT NULL, map_index INTEGER NOT NULL,
  part INTEGER, try_number INTEGER NOT NULL,
  command TEXT NOT NULL, target TEXT, image TEXT, status TEXT NOT NULL, exit_reason TEXT NOT NULL,
  started_at REAL NOT NULL, finished_at REAL NOT NULL, seconds REAL NOT NULL,
  total INTEGER NOT NULL, manifest TEXT, docs INTEGER NOT NULL,
  record TEXT NOT NULL, nodes BLOB NOT NULL
);
CREATE INDEX runs_by_end ON runs (finished_at DESC);
CREATE INDEX runs_by_dag ON runs (dag_id, finished_at DESC);
CREATE INDEX runs_by_task ON runs (dag_id, task_id, map_index, part, started_at DESC);
CREATE INDEX runs_by_dag_run ON runs (dag_id, run_id);
CREATE TABLE names (id INTEGER PRIMARY KEY, unique_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, kind TEXT NOT NULL);
CREATE TABLE history (
  node INTEGER NOT NULL, run INTEGER NOT NULL, status TEXT NOT NULL, seconds REAL NOT NULL, rows INTEGER,
  failures INTEGER, PRIMARY KEY (node, run)
) WITHOUT ROWID;
CREATE INDEX history_by_run ON history (run);
CREATE TABLE freshness (
  node INTEGER NOT NULL, run INTEGER NOT NULL, status TEXT NOT NULL, age REAL, newest TEXT, warn_after REAL,
  error_after REAL, PRIMARY KEY (node, run)
) WITHOUT ROWID;
CREATE TABLE live (path TEXT PRIMARY KEY, dag_id TEXT NOT NULL, data TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE unreadable (path TEXT PRIMARY KEY, stamp TEXT NOT NULL, dag_folder TEXT NOT NULL, why TEXT NOT NULL);
CREATE TABLE graphs (manifest TEXT PRIMARY KEY, content BLOB) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Scope:
    """Whose runs a person may see.

    Attributes:
        dags: By dag_id; None: all, also of DAGs that Airflow does not know and those that people started by hand.
    """

    dags: frozenset[str] | None = None

    def allows(self, dag_id: str) -> bool:
        return self.dags is None or dag_id in self.dags

    @property
    def parameters(self) -> dict[str, Any]:
        """For `SQL`."""
        return {"all_dags": self.dags is None, "dags": json.dumps(sorted(self.dags or ()))}

    SQL = "(:all_dags OR {}dag_id IN (SELECT value FROM json_each(:dags)))"

    def sql(self, table: str = "") -> str:
        """The condition on a table with a dag_id. Give the statement `parameters`."""
        return Scope.SQL.format(f"{table}." if table else "")


@dataclass
class Database:
    """The file. Threads may share it, and so may processes: one writes, and readers never wait for it.

    Attributes:
        file: Where it is.
    """

    file: Path
    _local: threading.local = field(default_factory=threading.local, repr=False)

    def query(self, sql: str, parameters: dict[str, Any] | Iterable[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a statement that reads."""
        return self._connection.execute(sql, parameters).fetchall()  # type: ignore[arg-type]  # either kind

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def note(self, key: str, value: str) -> None:
        with self.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def noted(self, key: str) -> str | None:
        found = self.query("SELECT value FROM meta WHERE key = ?", (key,))
        return str(found[0][0]) if found else None

    @property
    def _connection(self) -> sqlite3.Connection:
        known: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if known is None or self._local.process != os.getpid():
            known = self._local.connection = self._open()
            self._local.process = os.getpid()
        return known

    def _open(self) -> sqlite3.Connection:
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = sqlite3.connect(self.file, timeout=_BUSY_SECONDS, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        # It can be made anew, so it need not survive the machine.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -32000")
        connection.execute("BEGIN IMMEDIATE")  # of several that open it first, one makes the tables
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in filter(str.strip, _TABLES.split(";\n")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        connection.execute("COMMIT")
        return connection


def file_name(address: str) -> str:
    """What the file for a store is called; another version of the tables has another file."""
    return f"index-{_VERSION}-{hashlib.sha256(address.encode()).hexdigest()[:12]}.sqlite"
