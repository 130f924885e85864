"""What the generator knows about the schema it wrote: a comment on the schema itself."""

import json
from dataclasses import asdict, dataclass

from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case
from psycopg2.extensions import cursor as Cursor  # noqa: N812

MARK = "podbt demo data "


class StateError(Exception):
    """Schema raw is not what the command needs; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class State:
    """Seed, size and the day the data stands at (ordinal)."""

    seed: int
    patients: int
    as_of: int


def _comment(cursor: Cursor) -> tuple[bool, str]:
    cursor.execute("select coalesce(obj_description(oid, 'pg_namespace'), '') from pg_namespace where nspname = 'raw'")
    row = cursor.fetchone()
    return (row is not None, str(row[0]) if row else "")


def check_replaceable(cursor: Cursor, *, force: bool) -> None:
    """Refuse to drop a schema somebody else filled.

    Raises:
        StateError: Schema raw holds tables that this program did not write.
    """
    exists, comment = _comment(cursor)
    if not exists or force or comment.startswith(MARK):
        return
    cursor.execute("select count(*) from pg_tables where schemaname = 'raw'")
    row = cursor.fetchone()
    if row and row[0]:
        message = f"schema raw holds {row[0]} tables that demo_data did not write. Use another database, or --force."
        raise StateError(message)


def write_state(cursor: Cursor, state: State) -> None:
    """Remember the state on the schema."""
    cursor.execute("comment on schema raw is %s", (MARK + json.dumps(asdict(state)),))


def read_state(connection: Connection) -> State:
    """Return the state of schema raw.

    Raises:
        StateError: There is no demo data.
    """
    with connection.cursor() as cursor:
        exists, comment = _comment(cursor)
    if not exists or not comment.startswith(MARK):
        message = "schema raw holds no demo data. Create it first: --patients 500 --as-of YYYY-MM-DD."
        raise StateError(message)
    return State(**json.loads(comment.removeprefix(MARK)))
