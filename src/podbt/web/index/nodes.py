"""What pages ask of the index about one model, test or source over time, and about the project."""

import json
import logging
import threading
import zlib
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from podbt.errors import ConfigError
from podbt.store.failures import store_errors
from podbt.store.store import Store
from podbt.web.graph import Column, Graph, GraphNode, read_graph
from podbt.web.index.database import Database, Scope

_log = logging.getLogger(__name__)

HISTORY: Final = 100
_GRAPHS: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A node in one run. Times are seconds since the epoch."""

    path: str
    dag_id: str
    run_id: str
    target: str | None
    finished_at: float
    status: str
    seconds: float = 0.0
    rows: int | None = None
    failures: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Age:
    """How old a source was in one run."""

    path: str
    unique_id: str
    finished_at: float
    target: str | None
    status: str
    age: float | None
    newest: str | None
    warn_after: float | None
    error_after: float | None


@dataclass(frozen=True)
class Nodes:
    """Asks the index."""

    database: Database

    def history(self, unique_id: str, scope: Scope, *, target: str | None = None) -> list[Point]:
        """A node's last results, the oldest first."""
        rows = self.database.query(
            "SELECT r.path, r.dag_id, r.run_id, r.target, r.finished_at, h.status, h.seconds, h.rows, h.failures "
            "FROM names n JOIN history h ON h.node = n.id JOIN runs r ON r.id = h.run "
            f"WHERE n.unique_id = :id AND {scope.sql('r')} AND (:target IS NULL OR r.target = :target) "
            "ORDER BY r.finished_at DESC LIMIT :limit",
            {**scope.parameters, "id": unique_id, "target": target, "limit": HISTORY},
        )
        return [Point(**dict(row)) for row in rows[::-1]]

    def last(self, unique_ids: list[str], scope: Scope, *, target: str | None = None) -> dict[str, Point]:
        """The last result of each of some nodes."""
        found = {one: self.history(one, scope, target=target) for one in unique_ids}
        return {one: points[-1] for one, points in found.items() if points}

    def last_manifest(self, unique_id: str | None, scope: Scope, *, target: str | None = None) -> str | None:
        """The manifest of the last run that had a node; of the last run at all where None."""
        having = (
            ""
            if unique_id is None
            else "AND EXISTS (SELECT 1 FROM history h JOIN names n ON n.id = h.node WHERE h.run = r.id "
            "AND n.unique_id = :id) "
        )
        rows = self.database.query(
            f"SELECT r.manifest FROM runs r WHERE r.manifest IS NOT NULL AND {scope.sql('r')} "
            f"AND (:target IS NULL OR r.target = :target) {having}ORDER BY r.finished_at DESC LIMIT 1",
            {**scope.parameters, "id": unique_id, "target": target},
        )
        return str(rows[0]["manifest"]) if rows else None

    def targets(self, scope: Scope) -> list[str]:
        sql = f"SELECT DISTINCT target FROM runs WHERE target IS NOT NULL AND {scope.sql()} ORDER BY target"
        return [str(row[0]) for row in self.database.query(sql, scope.parameters)]

    def freshness(self, scope: Scope, *, unique_id: str | None = None, target: str | None = None) -> list[Age]:
        """How old sources were whenever somebody looked, the oldest look first; at most 100 of each."""
        rows = self.database.query(
            "SELECT * FROM (SELECT r.path, n.unique_id, r.finished_at, r.target, f.status, f.age, f.newest, "
            "f.warn_after, f.error_after, row_number() OVER (PARTITION BY f.node ORDER BY r.finished_at DESC) AS place "
            "FROM freshness f JOIN names n ON n.id = f.node JOIN runs r ON r.id = f.run "
            f"WHERE {scope.sql('r')} AND (:id IS NULL OR n.unique_id = :id) "
            "AND (:target IS NULL OR r.target = :target)) WHERE place <= :limit ORDER BY unique_id, finished_at",
            {**scope.parameters, "id": unique_id, "target": target, "limit": HISTORY},
        )
        return [Age(**{key: row[key] for key in row.keys() if key != "place"}) for row in rows]  # noqa: SIM118 - a Row


@dataclass
class Graphs:
    """Projects by their manifests, each read once for all processes."""

    database: Database
    _known: "OrderedDict[str, Graph]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, manifest: str | None, store: Store) -> Graph | None:
        """The project of a manifest.

        Args:
            manifest: Its path in the store.
            store: Asked where nobody has read that manifest yet.

        Returns:
            The project, an empty one where the manifest is no manifest; None where it is not known or not there.
        """
        if manifest is None:
            return None
        with self._lock:
            if (known := self._known.get(manifest)) is not None:
                self._known.move_to_end(manifest)
                return known
            rows = self.database.query("SELECT content FROM graphs WHERE manifest = ?", (manifest,))
            graph = _unpacked(rows[0]["content"]) if rows else self._read(manifest, store)
            if graph is not None:
                self._known[manifest] = graph
                while len(self._known) > _GRAPHS:
                    self._known.popitem(last=False)
            return graph

    def _read(self, manifest: str, store: Store) -> Graph | None:
        if not store.contains(manifest):
            return None
        try:
            graph = read_graph(store.read(manifest), source=manifest)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ConfigError as error:
            _log.warning("%s", error)
            graph = Graph()
        except store_errors():
            return None
        with self.database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO graphs VALUES (?, ?)", (manifest, _packed(graph)))
        return graph


def _packed(graph: Graph) -> bytes:
    content = {"project": graph.project, "nodes": [asdict(node) for node in graph.nodes.values()]}
    return zlib.compress(json.dumps(content).encode(), level=3)


def _unpacked(content: bytes) -> Graph:
    data: dict[str, Any] = json.loads(zlib.decompress(content))
    nodes = [
        GraphNode(
            **{
                **node,
                "parents": tuple(node["parents"]),
                "tags": tuple(node["tags"]),
                "columns": tuple(Column(**column) for column in node["columns"]),
            }
        )
        for node in data["nodes"]
    ]
    return Graph(project=data["project"], nodes={node.unique_id: node for node in nodes})
