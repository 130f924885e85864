"""Brings the index up to date with the store: each run is read once, when it is new."""

import json
import logging
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from podbt import constants
from podbt.contract import layout
from podbt.contract.journal import Alive, fold, lines_of, settle
from podbt.contract.kinds import NodeStatus
from podbt.contract.record import NodeRecord, RunIdentity, RunRecord, counts_of
from podbt.errors import ArtifactError, ConfigError
from podbt.store.alive import read_alive
from podbt.store.failures import refused, store_errors
from podbt.store.runs import Folder, folders, read_record
from podbt.store.store import Store, final_of
from podbt.web.index.database import Database
from podbt.web.sources import Freshness, read_freshness

_log = logging.getLogger(__name__)

_CHUNK: Final = 32
_SITE: Final = "static_index.html"
_LIVE: Final = 100
"""So many unpublished runs are looked into at most: more are a store in trouble."""
_SILENT_SECONDS: Final = 24 * 3600.0


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A published run as it was read, or why it could not be."""

    path: str
    stamp: str
    docs: bool = False
    record: RunRecord | None = None
    nodes: list[NodeRecord] = field(default_factory=list)
    freshness: list[Freshness] = field(default_factory=list)
    why: str = ""


def scan(database: Database, store: Store, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> int:
    """Reads what is new, and forgets what is gone.

    Args:
        database: The index.
        store: The artifact store.
        now: The time.

    Returns:
        How many runs were read.

    Raises:
        ArtifactError: The store cannot be read.
    """
    found = folders(store)
    if not found and not store.has_folder(""):
        raise ArtifactError(
            f"Nothing is at '{store}': no run has ended yet, or the volume is not mounted here or the address is wrong."
        )
    published = {one.path: one for one in found if one.published}
    stamps = {path: _stamp(one) for path, one in published.items()}
    known = {row["path"]: row["stamp"] for row in database.query("SELECT path, stamp FROM runs")}
    refused_ones = {row["path"]: row["stamp"] for row in database.query("SELECT path, stamp FROM unreadable")}
    _forget(database, (set(known) | set(refused_ones)) - set(published))
    _live(database, store, (one for one in found if not one.published and not one.removed), now())
    new = [path for path, stamp in stamps.items() if stamp not in {known.get(path), refused_ones.get(path)}]
    new.sort(key=lambda path: stamps[path], reverse=True)
    for done, chunk in _chunks(new):
        database.note("left", str(len(new) - done))
        _add(database, _read_all(store, [published[path] for path in chunk], stamps))
    database.note("left", "0")
    database.note("seen_at", now().isoformat())
    return len(new)


def _stamp(folder: Folder) -> str:
    entry = folder.entries[constants.RUN_FILE]
    return f"{entry.modified.isoformat()} {entry.size}"


def _chunks(paths: list[str]) -> Iterator[tuple[int, list[str]]]:
    left = iter(paths)
    done = 0
    while chunk := list(islice(left, _CHUNK)):
        yield done, chunk
        done += len(chunk)


def _read_all(store: Store, wanted: list[Folder], stamps: dict[str, str]) -> list[_Found]:
    def read(folder: Folder) -> _Found | None:
        return _read(store, folder, stamps[folder.path])

    if store.readers == 1:
        found = [read(folder) for folder in wanted]
    else:
        with ThreadPoolExecutor(store.readers) as pool:
            found = list(pool.map(read, wanted))
    return [one for one in found if one is not None]


def _read(store: Store, folder: Folder, stamp: str) -> _Found | None:
    """One run; None where it is removed just now."""
    try:
        record = _own_record(store, folder.path)
        nodes = settle(fold(store.read_lines(folder.path), source=constants.NODES_FILE))
        own = f"{folder.path}/{constants.SOURCES_FILE}"
        measured = read_freshness(store.read(own)) if record.sources == own else []
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ConfigError as error:
        return _Found(path=folder.path, stamp=stamp, why=str(error))
    except store_errors() as error:
        raise refused("read", f"{store}/{folder.path}", error) from None
    return _Found(
        path=folder.path, stamp=stamp, docs=_SITE in folder.entries, record=record, nodes=nodes, freshness=measured
    )


def _own_record(store: Store, path: str) -> RunRecord:
    record = read_record(store, path, alone=True)
    if not is_its_own(path, record.identity):
        raise ConfigError(f"{constants.RUN_FILE}: it says that it is another run's.")
    return record


def is_its_own(path: str, identity: RunIdentity) -> bool:
    """Whether a folder is where a run of that identity lies: by its dag_id people are let see it."""
    wanted = layout.run_folder(identity)
    return path == wanted or path.startswith(f"{wanted}.")


def _add(database: Database, found: Iterable[_Found]) -> None:
    with database.writing() as connection:
        for one in found:
            _forget_in(connection, one.path)
            if one.record is None:
                row = (one.path, one.stamp, one.path.split("/")[1], one.why)
                connection.execute("INSERT INTO unreadable VALUES (?, ?, ?, ?)", row)
                continue
            run = connection.execute(
                "INSERT INTO runs (path, stamp, dag_id, run_id, task_id, map_index, part, try_number, command, target, "
                "image, status, exit_reason, started_at, finished_at, seconds, total, manifest, docs, record, nodes) "
                f"VALUES ({', '.join('?' * 21)})",
                _columns(one, one.record),
            ).lastrowid
            ids = _ids(connection, one)
            connection.executemany(
                "INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?, ?, ?)",
                ((ids[n.unique_id], run, n.status, n.seconds, n.rows, n.failures) for n in one.nodes if not n.from_try),
            )
            connection.executemany(
                "INSERT OR REPLACE INTO freshness VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (ids[f.unique_id], run, f.status, f.age_seconds, f.newest, f.warn_after, f.error_after)
                    for f in one.freshness
                ),
            )


def _columns(found: _Found, record: RunRecord) -> tuple[Any, ...]:
    who = record.identity
    return (
        found.path, found.stamp, who.dag_id, who.run_id, who.task_id, who.map_index, who.part, who.try_number,
        " ".join(record.command), record.target, record.image, str(record.status), str(record.exit_reason),
        record.started_at.timestamp(), record.finished_at.timestamp(), record.seconds, record.counts.get("total", 0),
        record.manifest, found.docs, record.model_dump_json(exclude_none=True),
        zlib.compress(lines_of(found.nodes), level=3),
    )  # fmt: skip


def _ids(connection: Any, found: _Found) -> dict[str, int]:
    """Numbers of nodes, new ones among them."""
    names = {node.unique_id: (node.name, node.resource_type) for node in found.nodes}
    for source in found.freshness:
        names.setdefault(source.unique_id, (source.unique_id.split(".", 2)[-1], "source"))
    connection.executemany(
        "INSERT OR IGNORE INTO names (unique_id, name, kind) VALUES (?, ?, ?)",
        ((key, *rest) for key, rest in names.items()),
    )
    wanted = json.dumps(list(names))
    sql = "SELECT unique_id, id FROM names WHERE unique_id IN (SELECT value FROM json_each(?))"
    return {str(key): int(number) for key, number in connection.execute(sql, (wanted,))}


def _forget(database: Database, paths: set[str]) -> None:
    if paths:
        with database.writing() as connection:
            for path in paths:
                _forget_in(connection, path)


def _forget_in(connection: Any, path: str) -> None:
    for (run,) in connection.execute("SELECT id FROM runs WHERE path = ?", (path,)).fetchall():
        for table in ("history", "freshness"):
            connection.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
        connection.execute("DELETE FROM runs WHERE id = ?", (run,))
    connection.execute("DELETE FROM unreadable WHERE path = ?", (path,))


def _live(database: Database, store: Store, unpublished: Iterable[Folder], now: datetime) -> None:
    """What lasts, or was left unpublished within a day."""
    recent = [one for one in unpublished if (now - one.touched).total_seconds() < _SILENT_SECONDS]
    recent.sort(key=lambda one: one.touched, reverse=True)
    rows = []
    for folder in recent[:_LIVE]:
        with suppress(*store_errors(), ArtifactError):
            alive = read_alive(store, folder.path)
            if alive is not None and is_its_own(final_of(folder.path), alive.start.identity):
                rows.append((folder.path, alive.start.identity.dag_id, json.dumps(_told(store, folder.path, alive))))
    with database.writing() as connection:
        connection.execute("DELETE FROM live")
        connection.executemany("INSERT INTO live VALUES (?, ?, ?)", rows)


def _told(store: Store, path: str, alive: Alive) -> dict[str, Any]:
    try:
        nodes = fold(store.read_lines(path), source=constants.NODES_FILE)
    except (FileNotFoundError, ConfigError):
        nodes = []
    return {
        "alive": alive.model_dump(mode="json", exclude_none=True),
        "counts": counts_of([node for node in nodes if node.status != NodeStatus.STARTED]),
        "running": [node.name for node in nodes if node.status == NodeStatus.STARTED],
        "failed": sum(node.failed for node in nodes),
    }
