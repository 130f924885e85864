"""The schemas of a pull request in PostgreSQL: taken by one run at a time, marked as ours, dropped, found again.

Nothing is dropped that is not in a mark that podbt wrote: the mark is the comment of the pull request's first schema,
and names all of them. It is there before dbt creates the others, so a killed run leaves nothing that cannot be found.
"""

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg2
from psycopg2 import sql

from podbt.errors import ConfigError
from podbt.runner.database.lock import Lock
from podbt.runner.database.postgres import key_of
from podbt.runner.dbt.credentials import read_credentials

_KEY: Final = "podbt ci"
_NAME_BYTES: Final = 63
_POLL_SECONDS: Final = 1.0
_MARKED: Final = """
select nspname, obj_description(oid, 'pg_namespace') from pg_namespace
where obj_description(oid, 'pg_namespace') like %s order by nspname
"""
_COLUMNS: Final = """
select quote_ident(attname) from pg_attribute
where attrelid = %s::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum
"""


@dataclass(frozen=True, kw_only=True)
class Marked:
    """Schemas that a run of podbt ci made, by their mark.

    Attributes:
        base: The first of them, which carries the mark.
        schemas: All of them.
        since: When the run began.
    """

    base: str
    schemas: tuple[str, ...]
    since: datetime

    def text(self) -> str:
        return json.dumps({_KEY: {"schemas": list(self.schemas), "since": self.since.isoformat(timespec="seconds")}})

    @classmethod
    def read(cls, base: str, comment: str | None) -> "Marked | None":
        """What a schema's comment says; None where it is no mark."""
        try:
            data = json.loads(comment or "")[_KEY]
            schemas = tuple(str(name) for name in data["schemas"])
            return cls(base=base, schemas=schemas, since=datetime.fromisoformat(data["since"]))
        except (ValueError, KeyError, TypeError):
            return None


class ReviewSchemas:
    """A connection that makes, marks and drops them. It holds no transaction open.

    Args:
        handle: psycopg2's connection, in autocommit.
        database: Its database.
    """

    def __init__(self, handle: Any, database: str) -> None:
        self._handle = handle
        self.database = database

    @classmethod
    def connect(cls, project: Path, profiles: Path, target: str | None) -> "ReviewSchemas":
        """Connects as dbt does, with its profile.

        Raises:
            ConfigError: The profile is wrong, is not PostgreSQL's, or the server refuses; with its words.
        """
        credentials = read_credentials(project, profiles, target)
        if credentials.type != "postgres":
            raise ConfigError(
                f"podbt ci makes and drops schemas in PostgreSQL alone, and target '{target}' is on {credentials.type}."
            )
        return cls(credentials.connect("podbt ci"), credentials.database)

    def take(self, base: str, *, wait_seconds: float, stopped: Callable[[], bool] = lambda: False) -> None:
        """Keeps other runs of the same pull request out, until this connection or its process ends.

        Raises:
            ConfigError: Another one holds it for longer than that.
        """
        key, began = key_of(Lock(self.database, f"podbt ci {base}")), time.monotonic()
        while not self._rows("select pg_try_advisory_lock(%s)", (key,))[0][0]:
            if stopped():
                raise KeyboardInterrupt
            if time.monotonic() - began >= wait_seconds:
                raise ConfigError(f"Another run of podbt ci uses schema {base}. Let it end, or cancel it there.")
            time.sleep(min(_POLL_SECONDS, max(wait_seconds, 0.05)))

    def mark(self, base: str, schemas: Sequence[str]) -> None:
        """Writes down which schemas the run will make, and makes the first.

        Raises:
            ConfigError: One of them is somebody else's, or its name is too long.
        """
        if long := next((name for name in schemas if len(name.encode()) > _NAME_BYTES), None):
            raise ConfigError(f"Schema '{long}' is too long for PostgreSQL ({_NAME_BYTES} bytes). Shorten the prefix.")
        if taken := next(iter(self.existing(schemas)), None):
            raise ConfigError(
                f"Schema {taken} exists and podbt ci did not make it, so it is neither used nor dropped. "
                "Drop it by hand, or choose another --prefix."
            )
        marked = Marked(base=base, schemas=tuple(dict.fromkeys([base, *schemas])), since=datetime.now(UTC))
        self._run(sql.SQL("create schema {}").format(sql.Identifier(base)))
        comment = sql.SQL("comment on schema {} is {}").format(sql.Identifier(base), sql.Literal(marked.text()))
        try:
            self._run(comment)
        except ConfigError:
            self._run(sql.SQL("drop schema {}").format(sql.Identifier(base)))
            raise

    def marked(self) -> list[Marked]:
        """All that runs of podbt ci have left in this database, or are at work on."""
        rows = self._rows(_MARKED, (f'{{"{_KEY}"%',))
        return [found for name, comment in rows if (found := Marked.read(str(name), comment))]

    def existing(self, schemas: Iterable[str]) -> list[str]:
        """Those of some schemas that are there."""
        rows = self._rows("select nspname from pg_namespace where nspname = any(%s) order by 1", (list(schemas),))
        return [str(name) for (name,) in rows]

    def drop(self, base: str) -> list[str]:
        """Drops what a mark names, the marked one last. Returns their names; none where there is no mark."""
        found = next((one for one in self.marked() if one.base == base), None)
        if found is None:
            return []
        gone = [*self.existing(name for name in found.schemas if name != base), base]
        for name in gone:
            self._run(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(name)))
        return gone

    def reap(self, older_than: timedelta, *, now: datetime | None = None) -> tuple[list[str], list[str]]:
        """Drops what runs left that are gone. Returns what was dropped, and which are kept since a run is at work."""
        dropped: list[str] = []
        busy: list[str] = []
        for one in self.marked():
            if (now or datetime.now(UTC)) - one.since < older_than:
                continue
            try:
                self.take(one.base, wait_seconds=0)
            except ConfigError:
                busy.append(one.base)
                continue
            dropped += self.drop(one.base)
        return dropped, busy

    def copy_table(self, source: str, schema: str, table: str) -> int | None:
        """Copies a table with its rows, defaults, indexes and constraints.

        Args:
            source: The table as dbt's manifest quotes it, `"db"."schema"."name"`.
            schema: Where the copy goes.
            table: What it is called.

        Returns:
            The number of rows; None where there is no such table to copy.
        """
        name = re.sub(r'^"[^"]*"\.(?="[^"]*"\.)', "", source)
        kind = self._rows("select relkind from pg_class where oid = to_regclass(%s)", (name,))
        if not kind or kind[0][0] not in {"r", "p"}:
            return None
        columns = ", ".join(str(column) for (column,) in self._rows(_COLUMNS, (name,)))
        copy = sql.Identifier(schema, table)
        self._run(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
        self._run(sql.SQL("create table {} (like {} including all)").format(copy, sql.SQL(name)))
        insert = sql.SQL("insert into {} ({columns}) overriding system value select {columns} from {}")
        return self._run(insert.format(copy, sql.SQL(name), columns=sql.SQL(columns)))

    def close(self) -> None:
        with contextlib.suppress(psycopg2.Error):
            self._handle.close()

    def _run(self, statement: Any) -> int:
        """Runs a statement. Returns the number of rows that it touched."""
        try:
            with self._handle.cursor() as cursor:
                cursor.execute(statement)
                return int(cursor.rowcount)
        except psycopg2.Error as error:
            raise ConfigError(f"PostgreSQL refused: {' '.join(str(error).split())}") from None

    def _rows(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        try:
            with self._handle.cursor() as cursor:
                cursor.execute(statement, values)
                return list(cursor.fetchall())
        except psycopg2.Error as error:
            raise ConfigError(f"PostgreSQL refused: {' '.join(str(error).split())}") from None
