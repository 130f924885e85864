"""What a run locks, and what an adapter has to have for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

SCHEMA_WIDE: Final = 100
"""Tables of one schema from which on a run locks the schema instead: a server's lock table is small and shared."""


@dataclass(frozen=True, order=True)
class Lock:
    """A schema or one of its tables. Sorted, a schema comes before its tables: the order in which all runs take locks.

    Attributes:
        table: The table; empty for the schema as a whole.
        shared: Whether others may hold it too, which is how runs that lock single tables mark the schema.
    """

    database: str
    schema: str
    table: str = ""
    shared: bool = False

    @property
    def name(self) -> str:
        return ".".join(part for part in (self.database, self.schema, self.table) if part)


def locks_of(tables: Iterable[tuple[str, str, str]]) -> list[Lock]:
    """The locks of a run that writes these (database, schema, table), in the order to take them."""
    by_schema: dict[tuple[str, str], set[str]] = {}
    for database, schema, table in tables:
        by_schema.setdefault((database, schema), set()).add(table)
    locks = []
    for (database, schema), names in by_schema.items():
        whole = len(names) > SCHEMA_WIDE
        locks.append(Lock(database, schema, shared=not whole))
        if not whole:
            locks += [Lock(database, schema, name) for name in names]
    return sorted(locks)


class Session(Protocol):
    """A connection that holds locks until it is closed, or until the process or its machine is gone."""

    def attempt(self) -> str | None:
        """Takes what is free; None once all is held, else who holds the first lock that is not, and what it is."""

    def intact(self) -> bool:
        """Whether everything that was taken is still held."""

    def wait(self, seconds: float) -> bool:
        """Waits for a word of the server, such as the end of the session; False where none came."""

    def replace(self, dropped: "Session") -> None:
        """Ends what the server may still keep of a session that this one stands in for."""

    def close(self) -> None: ...
