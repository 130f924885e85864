"""What a model group is made of: the plan's nodes that get a task, the tests that each task answers for, the edges."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import TypeVar

from podbt.airflow.group.names import Folder, labels
from podbt.contract.kinds import BUILT, CHECKS, EPHEMERAL
from podbt.contract.plan import Plan, PlanGroup, PlanNode, PlanSelector
from podbt.errors import ConfigError

_Resolved = TypeVar("_Resolved", PlanSelector, PlanGroup)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A node with a task of its own.

    Attributes:
        unique_id: dbt's name for it.
        label: A short name that is unique in the group and fit for a task_id.
        node: The plan's node.
        parents: Members that dbt builds before it, through whatever lies between.
        checks: unique_ids of the tests and unit tests that its task answers for.
        beside: Members that these tests read besides it, and that are not its ancestors.
    """

    unique_id: str
    label: str
    node: PlanNode
    parents: tuple[str, ...]
    checks: tuple[str, ...]
    beside: tuple[str, ...]

    @property
    def folder(self) -> Folder:
        return PurePosixPath(self.node.path).parts[1:-1]


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Members by unique_id in an order in which dbt could build them, and the tests that no member answers for."""

    members: Mapping[str, Member]
    loose: tuple[str, ...]


def graph_of(
    plan: Plan,
    *,
    selector: str | None = None,
    tags: Collection[str] = (),
    groups: Collection[str] = (),
    checks: bool = True,
) -> Graph:
    """Lays out the tasks of a group.

    Each test belongs to one member: of those that it reads the one furthest down, since that is the last that dbt
    builds before it runs the test. Of several such it is the one whose name comes first in the test's.

    Args:
        plan: The project.
        selector: A selector of selectors.yml, as dbt resolved it when the plan was made.
        tags: Nodes with any of these tags.
        groups: Nodes in any of these dbt groups, as dbt resolved them. Without any of the three it is what
            dbt builds without a selection: everything, or what the default selector means.
        checks: Whether the group's command runs tests.

    Raises:
        ConfigError: There is no such selector or group, or nothing is selected.
    """
    return _Layout(plan, _chosen(plan, selector, tags, groups)).graph(checks=checks)


def _name(unique_id: str) -> str:
    """A node's name with its version, as its unique_id ends."""
    return unique_id.split(".", 2)[-1]


def _chosen(plan: Plan, selector: str | None, tags: Collection[str], groups: Collection[str]) -> set[str]:
    given = {"selector": selector, "tags": tags, "groups": groups}
    if len(named := [name for name, value in given.items() if value]) > 1:
        raise ConfigError(f"{' and '.join(named)} stand beside each other. Give one of them.")
    if selector:
        return _resolved(selector, _known("selector", selector, plan.selectors))
    if groups:
        return {unique_id for group in groups for unique_id in _known("group", group, plan.groups).nodes}
    if not tags and plan.default_selector:
        return _resolved(plan.default_selector, plan.selectors[plan.default_selector])
    if not tags:
        return set(plan.nodes)
    wanted = set(tags)
    tagged = {key for key, node in plan.nodes.items() if wanted & set(node.tags)}
    # What `--select tag:…` adds by itself: every test that reads something selected.
    return tagged | {
        key for key, node in plan.nodes.items() if node.resource_type in CHECKS and tagged & set(node.depends_on)
    }


def _resolved(name: str, selector: PlanSelector) -> set[str]:
    if selector.asks:
        raise ConfigError(
            f"Selector '{name}' asks for a state ({', '.join(selector.asks)}), which only a run has, so a group cannot "
            f"have a task for each of its models. Run it as one step: DbtOperator(selector='{name}', state='…')."
        )
    return set(selector.nodes)


def _known(kind: str, name: str, named: Mapping[str, _Resolved]) -> _Resolved:
    if name not in named:
        raise ConfigError(f"The plan has no {kind} '{name}'. It has {', '.join(sorted(named)) or 'none'}.")
    return named[name]


class _Layout:
    def __init__(self, plan: Plan, chosen: set[str]) -> None:
        self._nodes = plan.nodes
        self._chosen = chosen
        self._above: dict[str, frozenset[str]] = {}

    def graph(self, *, checks: bool) -> Graph:
        owned: dict[str, list[str]] = {key: [] for key in self._members}
        beside: dict[str, set[str]] = {key: set() for key in self._members}
        loose = []
        for key in sorted(self._chosen & set(self._nodes)) if checks else ():
            if self._nodes[key].resource_type not in CHECKS:
                continue
            read = self._members & set(self._nodes[key].depends_on) or self._nearest(key)
            if not read:
                loose.append(key)
                continue
            owner = self._owner(key, read)
            owned[owner].append(key)
            beside[owner] |= read - {owner} - self._ancestors(owner)
        names = labels({key: _name(key) for key in self._members})
        members = {
            key: Member(
                unique_id=key,
                label=names[key],
                node=self._nodes[key],
                parents=tuple(sorted(self._nearest(key))),
                checks=tuple(owned[key]),
                beside=tuple(sorted(beside[key])),
            )
            for key in sorted(self._members, key=lambda key: (self._depth(key), key))
        }
        if not members and not loose:
            raise ConfigError("The group's selection holds no node that is built or tested.")
        return Graph(members=members, loose=tuple(loose))

    @cached_property
    def _members(self) -> frozenset[str]:
        """Selected nodes that dbt reports on: an ephemeral model is part of its readers' SQL."""
        return frozenset(
            key
            for key in self._chosen
            if (node := self._nodes.get(key)) and node.resource_type in BUILT and node.materialized != EPHEMERAL
        )

    def _nearest(self, key: str) -> frozenset[str]:
        """Members above a node with no member between; dbt keeps the order through nodes that are not selected."""
        found: set[str] = set()
        todo, seen = list(self._nodes[key].depends_on), set()
        while todo:
            above = todo.pop()
            if above in seen or above not in self._nodes:
                continue
            seen.add(above)
            if above in self._members:
                found.add(above)
            else:
                todo += self._nodes[above].depends_on
        return frozenset(found)

    def _ancestors(self, key: str) -> frozenset[str]:
        if key not in self._above:
            near = self._nearest(key)
            self._above[key] = near.union(*(self._ancestors(one) for one in near))
        return self._above[key]

    def _owner(self, check: str, read: Iterable[str]) -> str:
        """Of those that a test reads, the one that answers for it."""
        name = self._nodes[check].name

        def order(key: str) -> tuple[int, int, str]:
            # dbt's generic tests begin with the name of the one that they are written at.
            found = name.find(self._nodes[key].name)
            return -self._depth(key), found if found >= 0 else len(name), key

        return min(read, key=order)

    @cached_property
    def _depths(self) -> dict[str, int]:
        return {}

    def _depth(self, key: str) -> int:
        if key not in self._depths:
            self._depths[key] = 1 + max((self._depth(one) for one in self._nearest(key)), default=0)
        return self._depths[key]
