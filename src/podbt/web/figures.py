"""The figures of one run: who waited for what, the critical path, how busy the threads were.

Pages, reports and the command show the same, since they all ask here.
"""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from podbt.contract.kinds import CHECKS, NodeStatus
from podbt.contract.record import NodeRecord
from podbt.web.graph import Graph


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """A node on the timeline, in seconds since the timeline began.

    Attributes:
        lane: The number of its thread, from 0.
        after: Of what it waited for, the node that ended last; None where it could begin at once.
        thread_wait: Seconds that it was ready and no thread was free.
    """

    node: NodeRecord
    lane: int
    begin: float
    end: float
    after: str | None = None
    thread_wait: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The nodes of one try that ran, in the order in which they began.

    Attributes:
        start: When the timeline begins.
        seconds: How long it is.
        lanes: dbt's name of each thread.
    """

    start: datetime
    seconds: float
    lanes: list[str]
    bars: list[Bar]


@dataclass(frozen=True, kw_only=True)
class Path:
    """The chain of nodes that would take longest with any number of threads."""

    nodes: list[NodeRecord]

    @property
    def seconds(self) -> float:
        return sum(node.seconds for node in self.nodes)


@dataclass(frozen=True)
class Figures:
    """What can be told of a run from its nodes.

    Attributes:
        nodes: Of the run, each once.
        graph: The project; an empty one where it is not known.
        building: Whether a failing test stops what reads the tested node, as in `dbt build`.
        started: When the run's process began, where that is known.
        now: What counts as the end of a node that runs.
    """

    nodes: list[NodeRecord]
    graph: Graph = field(default_factory=Graph)
    building: bool = True
    started: datetime | None = None
    now: datetime | None = None

    @cached_property
    def own(self) -> list[NodeRecord]:
        """Those that this try ran, and not one before it."""
        return [node for node in self.nodes if node.from_try is None]

    @cached_property
    def blocking(self) -> Mapping[str, set[str]]:
        """By unique_id, the nodes of the run that have to end before it begins."""
        return blocking(self.graph, [node.unique_id for node in self.nodes], building=self.building)

    @cached_property
    def timeline(self) -> Timeline | None:
        """Of this try; None where nothing ran in it."""
        return self._timeline(self.own)

    @cached_property
    def earlier(self) -> dict[int, Timeline]:
        """By number, of the tries that this one took nodes over from."""
        numbers = sorted({node.from_try for node in self.nodes if node.from_try is not None})
        lines = {one: self._timeline([node for node in self.nodes if node.from_try == one]) for one in numbers}
        return {one: line for one, line in lines.items() if line is not None}

    @cached_property
    def critical_path(self) -> Path:
        """Of the nodes that this try ran."""
        return critical_path(self.own, self.blocking)

    @property
    def work_seconds(self) -> float:
        """What the nodes took, added up."""
        return sum(node.seconds for node in self.own if node.seconds > 0)

    @property
    def threads(self) -> int:
        return len(self.timeline.lanes) if self.timeline else 0

    @property
    def busy(self) -> float | None:
        """The share of the threads' time, between 0 and 1, in which a node ran."""
        line = self.timeline
        if line is None or line.seconds <= 0:
            return None
        return min(1.0, sum(bar.end - bar.begin for bar in line.bars) / (line.seconds * len(line.lanes)))

    @property
    def start_seconds(self) -> float | None:
        """From the beginning of the run's process to its first node."""
        if self.timeline is None or self.started is None:
            return None
        return max(0.0, (self.timeline.start - self.started).total_seconds())

    @property
    def slowest(self) -> list[NodeRecord]:
        """The nodes of this try, the longest first."""
        return sorted((node for node in self.own if node.seconds > 0), key=lambda node: -node.seconds)

    def skipped_because(self, unique_id: str) -> list[NodeRecord]:
        """The nodes above a skipped one that failed, or were stopped: why it is skipped."""
        by_id = {node.unique_id: node for node in self.nodes}
        found, seen, left = [], {unique_id}, list(self.blocking.get(unique_id, ()))
        while left:
            one = left.pop()
            if one in seen:
                continue
            seen.add(one)
            node = by_id[one]
            if node.failed or node.status == NodeStatus.INTERRUPTED:
                found.append(node)
            elif node.status == NodeStatus.SKIPPED:
                left += self.blocking.get(one, ())
        return sorted(found, key=lambda node: node.unique_id)

    def _timeline(self, nodes: list[NodeRecord]) -> Timeline | None:
        spans = [(node, begin, end) for node in nodes if (begin := node.started_at) and (end := self._end(node))]
        if not spans:
            return None
        start = min(begin for _, begin, _ in spans)
        ends = {node.unique_id: (end - start).total_seconds() for node, _, end in spans}
        lanes = sorted({node.thread or "" for node, _, _ in spans}, key=_natural)
        place = {name: number for number, name in enumerate(lanes)}
        bars = []
        for node, begin, _ in sorted(spans, key=lambda span: (span[1], span[0].unique_id)):
            at = (begin - start).total_seconds()
            # A clock that was set back must not make a bar that ends before it begins.
            before = [(ends[one], one) for one in self.blocking.get(node.unique_id, ()) if ends.get(one, at + 1) <= at]
            ready, after = max(before, default=(0.0, None))
            bars.append(
                Bar(
                    node=node,
                    lane=place[node.thread or ""],
                    begin=at,
                    end=max(at, ends[node.unique_id]),
                    after=after,
                    thread_wait=round(at - ready, 3),
                )
            )
        return Timeline(start=start, seconds=max(bar.end for bar in bars), lanes=lanes, bars=bars)

    def _end(self, node: NodeRecord) -> datetime | None:
        if node.finished_at is not None:
            return max(node.finished_at, node.started_at or node.finished_at)
        return max(self.now, node.started_at) if self.now and node.started_at else None


def blocking(graph: Graph, unique_ids: Iterable[str], *, building: bool) -> dict[str, set[str]]:
    """By unique_id, which of some nodes have to end before it begins.

    What is not among them, an ephemeral model say, is passed through. In a build a test also comes before whatever
    builds on all that the test reads, as dbt orders it.
    """
    inside = frozenset(unique_ids)
    result = {unique_id: _nearest(graph, unique_id, inside) for unique_id in inside}
    if building:
        for unique_id in inside:
            node = graph.nodes.get(unique_id)
            if node is not None and node.kind not in CHECKS:
                result[unique_id] |= _guards(graph, unique_id, result[unique_id], inside)
    return result


def _nearest(graph: Graph, unique_id: str, inside: AbstractSet[str]) -> set[str]:
    """The nodes of a run that are reached first on the way up."""
    found: set[str] = set()
    seen = {unique_id}
    left = list(graph.parents_of(unique_id))
    while left:
        one = left.pop()
        if one in seen:
            continue
        seen.add(one)
        if one in inside:
            found.add(one)
        else:
            left += graph.parents_of(one)
    return found


def _guards(graph: Graph, unique_id: str, parents: AbstractSet[str], inside: AbstractSet[str]) -> set[str]:
    """The tests of what a node reads that read nothing but what it builds on."""
    tests = {test for parent in parents for test in graph.tests_of(parent) if test in inside}
    if not tests:
        return set()
    above = graph.above(unique_id)
    return {test for test in tests if above.issuperset(graph.parents_of(test))}


def critical_path(nodes: Iterable[NodeRecord], before: Mapping[str, set[str]]) -> Path:
    """The chain that takes longest, by what each node took."""
    by_id = {node.unique_id: node for node in nodes if node.seconds > 0}
    try:
        order = list(TopologicalSorter({key: before.get(key, set()) & set(by_id) for key in by_id}).static_order())
    except CycleError:  # no project has one; a damaged manifest may
        return Path(nodes=[])
    longest: dict[str, tuple[float, str | None]] = {}
    for key in order:
        most, via = max(((longest[one][0], one) for one in before.get(key, ()) if one in longest), default=(0.0, None))
        longest[key] = (most + by_id[key].seconds, via)
    chain: list[NodeRecord] = []
    at = max(longest, key=lambda key: longest[key][0], default=None)
    while at is not None:
        chain.append(by_id[at])
        at = longest[at][1]
    return Path(nodes=chain[::-1])


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Thread-2 comes before Thread-10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name)]
