"""Where rows go: a few thousand lines a table in memory, then COPY."""

import io
from collections import Counter, defaultdict
from itertools import count
from typing import TYPE_CHECKING, Protocol

from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from demo_data.chance import iso
from demo_data.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH_ROWS = 4_000
SYNC_TIME = "00:30:00+00"


def sync_moment(edit_day: int, as_of: int) -> str:
    """Return when the replicator wrote a row: the night after its last edit, at the latest on the as-of day."""
    return f"{iso(min(edit_day + 1, as_of))} {SYNC_TIME}"


class Sink(Protocol):
    """Takes rows, in any order of tables."""

    def add(self, table: str, edit_day: int, *values: object) -> None:
        """Take one row, its values in the table's column order."""


class Keys:
    """Primary keys, handed out in order for each table."""

    def __init__(self, last: dict[str, int] | None = None) -> None:
        last = last or {}
        self._next: dict[str, Callable[[], int]] = {table: count(last.get(table, 0) + 1).__next__ for table in TABLES}

    def __call__(self, table: str) -> int:
        return self._next[table]()


class CopySink:
    """Streams rows into Postgres; memory stays at one batch a table whatever the number of patients."""

    def __init__(self, connection: Connection, as_of: int) -> None:
        self._connection = connection
        self._as_of = as_of
        self._lines: defaultdict[str, list[str]] = defaultdict(list)
        self._syncs: dict[int, str] = {}
        self.rows: Counter[str] = Counter()

    def add(self, table: str, edit_day: int, *values: object) -> None:
        """Take one row; a full batch goes to the database at once."""
        sync = self._syncs.get(edit_day)
        if sync is None:
            sync = self._syncs[edit_day] = sync_moment(edit_day, self._as_of)
        lines = self._lines[table]
        lines.append("\t".join(map(str, values)) + "\t" + sync)
        if len(lines) >= BATCH_ROWS:
            self._copy(table)

    def flush(self) -> None:
        """Send what is left."""
        for table in list(self._lines):
            self._copy(table)

    def _copy(self, table: str) -> None:
        lines = self._lines.pop(table, [])
        if not lines:
            return
        with self._connection.cursor() as cursor:
            cursor.copy_expert(f'copy raw."{table}" from stdin', io.StringIO("\n".join(lines) + "\n"))
        self.rows[table] += len(lines)
