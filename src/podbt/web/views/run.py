"""What the page of one run shows; the report is the same as a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

from podbt.contract.journal import Alive
from podbt.contract.kinds import CHECKS, NodeStatus
from podbt.contract.record import NodeRecord, RunRecord, RunStart
from podbt.contract.runs import Run
from podbt.web.compare import Difference, compare
from podbt.web.figures import Bar, Figures
from podbt.web.graph import Graph, GraphNode
from podbt.web.index.runs import Row, Trend
from podbt.web.read import is_build

_SILENT_SECONDS: Final = 120.0
_ROWS: Final = frozenset({"rows", "failures"})
_ORDER: Final = ("status", "gone", "new", "seconds", "failures", "rows")
_LATE: Final = 1.5
_LATE_SECONDS: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A node that failed, with what helps to mend it.

    Attributes:
        owner: Whose it is.
        skipped: unique_ids of nodes that were skipped because of it.
        rows_query: What shows the rows that a test found and stored.
        sql: Its compiled SQL, where a report carries it.
    """

    node: NodeRecord
    owner: str | None
    skipped: list[str]
    rows_query: str | None
    sql: str | None = None

    @property
    def is_test(self) -> bool:
        return self.node.resource_type in CHECKS


@dataclass(frozen=True, kw_only=True)
class RunView:
    """One run, published or not.

    Attributes:
        path: Its folder once it is published.
        start: What it is.
        nodes: Each node once.
        record: How it ended; None while it lasts.
        alive: Its last sign of life; None once it is published.
        graph: The project; None where it is not known.
        before: The run of the same task before it.
        tries: The published tries of its task instance.
        trend: The last runs of its task.
        sql: Compiled SQL by unique_id, where it is to stand in the page itself.
        airflow: Where Airflow is, from this page; None: no links there.
        now: The time.
    """

    path: str
    start: RunStart
    nodes: list[NodeRecord]
    now: datetime
    record: RunRecord | None = None
    alive: Alive | None = None
    graph: Graph | None = None
    before: Run | None = None
    tries: Sequence[Row] = ()
    trend: Trend | None = None
    sql: Mapping[str, str] | None = None
    airflow: str | None = None
    waiting: bool = field(default=False)

    @cached_property
    def figures(self) -> Figures:
        return Figures(
            nodes=self.nodes,
            graph=self.graph or Graph(),
            building=is_build(self.start),
            started=self.start.started_at,
            now=None if self.record else self.now,
        )

    @property
    def status(self) -> str:
        """One word: the exit reason, or how it is with a run that lasts."""
        if self.record is not None:
            return str(self.record.exit_reason)
        if self.silent:
            return "silent"
        return "late" if is_late(self.seconds, self.trend.usual if self.trend else None) else "running"

    @property
    def silent(self) -> bool:
        """Whether nothing was heard of a run that is not published for two minutes: it is probably lost."""
        return self.alive is not None and (self.now - self.alive.at).total_seconds() > _SILENT_SECONDS

    @property
    def seconds(self) -> float:
        if self.record is not None:
            return self.record.seconds
        until = self.alive.at if self.alive and self.silent else self.now
        return max(0.0, (until - self.start.started_at).total_seconds())

    @property
    def against_usual(self) -> float | None:
        """How much longer than usual it took, as a share: 0.5 is half as long again."""
        usual = self.trend.usual if self.trend else None
        return None if not usual or self.record is None else self.record.seconds / usual - 1

    @cached_property
    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for node in self.nodes:
            counts[node.status] = counts.get(node.status, 0) + 1
        return counts

    @cached_property
    def failed(self) -> list[Failed]:
        """Nodes that failed or were cut off; models before tests."""
        bad = [node for node in self.nodes if node.failed or node.status == NodeStatus.INTERRUPTED]
        because: dict[str, list[str]] = {}
        for node in self.skipped:
            for cause in self.figures.skipped_because(node.unique_id):
                because.setdefault(cause.unique_id, []).append(node.unique_id)
        return [
            Failed(
                node=node,
                owner=self.graph.owner_of(node.unique_id) if self.graph else None,
                skipped=because.get(node.unique_id, []),
                rows_query=f"select * from {node.relation}"
                if node.resource_type in CHECKS and node.relation and node.failures
                else None,
                sql=self.sql.get(node.unique_id) if self.sql else None,
            )
            for node in sorted(bad, key=lambda node: node.resource_type in CHECKS)
        ]

    @cached_property
    def skipped(self) -> list[NodeRecord]:
        return [node for node in self.nodes if node.status == NodeStatus.SKIPPED]

    def reason(self, node: NodeRecord) -> str:
        """Why a node was skipped."""
        causes = self.figures.skipped_because(node.unique_id)
        if causes:
            more = f" and {len(causes) - 1} more" if len(causes) > 1 else ""
            return f"{causes[0].name} did not end well{more}"
        return node.message or "something above it did not end well"

    @cached_property
    def bars(self) -> dict[str, Bar]:
        """By unique_id, of all tries."""
        lines = [*self.figures.earlier.values(), *([self.figures.timeline] if self.figures.timeline else [])]
        return {bar.node.unique_id: bar for line in lines for bar in line.bars}

    @cached_property
    def critical(self) -> frozenset[str]:
        """unique_ids on the critical path; none where there is no project to tell it from."""
        return frozenset(node.unique_id for node in self.figures.critical_path.nodes) if self.graph else frozenset()

    @cached_property
    def left_out(self) -> list[str]:
        return self.record.left_out if self.record else []

    @cached_property
    def _all_differences(self) -> list[Difference]:
        if self.before is None or self.record is None:
            return []
        return compare(self.before, Run(path=self.path, record=self.record, nodes=self.nodes))

    @cached_property
    def differences(self) -> list[Difference]:
        """What differs from the run before but for rows alone, worst first; nothing while it lasts."""
        found = [one for one in self._all_differences if not _ROWS.issuperset(one.what)]
        return sorted(found, key=lambda one: min(map(_ORDER.index, one.what)))

    @cached_property
    def other_rows(self) -> list[Difference]:
        """Of these nodes nothing but the number of rows differs, which is no surprise by itself."""
        return [one for one in self._all_differences if _ROWS.issuperset(one.what)]

    @property
    def compared(self) -> bool:
        return self.before is not None and self.record is not None

    def in_graph(self, unique_id: str) -> GraphNode | None:
        return self.graph.nodes.get(unique_id) if self.graph else None

    def name(self, unique_id: str) -> str:
        node = self.in_graph(unique_id)
        return node.name if node else unique_id.split(".", 2)[-1]


def is_late(took: float, usual: float | None) -> bool:
    """Whether a run that lasts takes much longer than it usually does."""
    return usual is not None and took > usual * _LATE and took > usual + _LATE_SECONDS
