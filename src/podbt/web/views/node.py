"""What the pages of one node, of all nodes and of the sources show."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from podbt.contract.kinds import CHECKS, DONE_STATUSES, ResourceType
from podbt.web.graph import Graph, GraphNode
from podbt.web.index.database import Database, Scope
from podbt.web.index.nodes import Age, Nodes, Point

_WELL: Final = frozenset(map(str, DONE_STATUSES))


@dataclass(frozen=True)
class NodeView:
    """One node over time.

    Attributes:
        unique_id: dbt's.
        database: The index.
        scope: Whose runs its reader may see.
        graph: The project as the node's last run had it.
        target: Only runs on this target; None: all.
    """

    unique_id: str
    database: Database
    scope: Scope
    graph: Graph | None
    target: str | None = None

    @cached_property
    def _nodes(self) -> Nodes:
        return Nodes(self.database)

    @property
    def node(self) -> GraphNode | None:
        return self.graph.nodes.get(self.unique_id) if self.graph else None

    @property
    def name(self) -> str:
        return self.node.name if self.node else self.unique_id.split(".", 2)[-1]

    @property
    def kind(self) -> str:
        return self.unique_id.partition(".")[0]

    @cached_property
    def history(self) -> list[Point]:
        return self._nodes.history(self.unique_id, self.scope, target=self.target)

    @cached_property
    def ages(self) -> list[Age]:
        """Of a source: how old it was."""
        if self.kind != ResourceType.SOURCE:
            return []
        return self._nodes.freshness(self.scope, unique_id=self.unique_id, target=self.target)

    @property
    def last(self) -> Point | None:
        return self.history[-1] if self.history else None

    @property
    def last_success(self) -> Point | None:
        return next((point for point in reversed(self.history) if point.status in _WELL), None)

    @cached_property
    def targets(self) -> list[str]:
        return self._nodes.targets(self.scope)

    @cached_property
    def owner(self) -> str | None:
        return self.graph.owner_of(self.unique_id) if self.graph else None

    @cached_property
    def above(self) -> list[str]:
        return sorted(self.graph.parents_of(self.unique_id)) if self.graph else []

    @cached_property
    def below(self) -> list[str]:
        """Who reads it, without its tests."""
        if self.graph is None:
            return []
        readers = self.graph.children.get(self.unique_id, ())
        return [one for one in readers if self.graph.nodes[one].kind not in CHECKS]

    @cached_property
    def tests(self) -> list[str]:
        return self.graph.tests_of(self.unique_id) if self.graph else []

    @cached_property
    def test_history(self) -> dict[str, list[Point]]:
        return {one: self._nodes.history(one, self.scope, target=self.target) for one in self.tests}

    @cached_property
    def states(self) -> dict[str, Point]:
        """The last result of its neighbours."""
        return self._nodes.last([*self.above, *self.below], self.scope, target=self.target)

    def name_of(self, unique_id: str) -> str:
        node = self.graph.nodes.get(unique_id) if self.graph else None
        return node.name if node else unique_id.split(".", 2)[-1]


@dataclass(frozen=True)
class Catalog:
    """All nodes of a project, with the last result of each."""

    graph: Graph | None
    database: Database
    scope: Scope
    search: str = ""
    kind: str = ""

    _CHECKED = frozenset(map(str, CHECKS))

    @cached_property
    def kinds(self) -> list[str]:
        return sorted({node.kind for node in self.graph.nodes.values()} - self._CHECKED) if self.graph else []

    @cached_property
    def nodes(self) -> Sequence[GraphNode]:
        """Those that are searched for, tests left out, by name."""
        if self.graph is None:
            return []
        words = self.search.lower().split()
        found = [
            node
            for node in self.graph.nodes.values()
            if node.kind not in self._CHECKED
            and self.kind in {"", node.kind}
            and all(word in self._text(node) for word in words)
        ]
        return sorted(found, key=lambda node: node.name)

    @cached_property
    def states(self) -> dict[str, Point]:
        """The last result of each node, by unique_id."""
        rows = self.database.query(
            "SELECT unique_id, path, dag_id, run_id, target, max(finished_at) AS finished_at, status, seconds, rows, "
            "failures FROM (SELECT n.unique_id, r.path, r.dag_id, r.run_id, r.target, r.finished_at, h.status, "
            "h.seconds, h.rows, h.failures FROM runs r JOIN history h ON h.run = r.id JOIN names n ON n.id = h.node "
            f"WHERE {self.scope.sql('r')} AND r.id IN (SELECT id FROM runs ORDER BY finished_at DESC LIMIT 60)) "
            "GROUP BY unique_id",
            self.scope.parameters,
        )
        return {row["unique_id"]: Point(**{key: row[key] for key in row.keys() if key != "unique_id"}) for row in rows}  # noqa: SIM118

    @staticmethod
    def _text(node: GraphNode) -> str:
        columns = " ".join(column.name for column in node.columns)
        return f"{node.name} {node.description} {node.path} {' '.join(node.tags)} {node.owner or ''} {columns}".lower()


@dataclass(frozen=True)
class SourcesView:
    """How fresh sources are, and were."""

    database: Database
    scope: Scope
    graph: Graph | None
    target: str | None = None

    @cached_property
    def _nodes(self) -> Nodes:
        return Nodes(self.database)

    @cached_property
    def targets(self) -> list[str]:
        return self._nodes.targets(self.scope)

    @cached_property
    def sources(self) -> dict[str, list[Age]]:
        """By unique_id, the oldest look first; those that are late come first."""
        found: dict[str, list[Age]] = {}
        for age in self._nodes.freshness(self.scope, target=self.target):
            found.setdefault(age.unique_id, []).append(age)
        return dict(sorted(found.items(), key=lambda one: one[1][-1].status in _WELL and one[1][-1].status != "warn"))

    def name_of(self, unique_id: str) -> str:
        node = self.graph.nodes.get(unique_id) if self.graph else None
        return node.name if node else unique_id.split(".", 2)[-1]
