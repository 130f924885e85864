"""What a plan is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from podbt.contract.kinds import CHECKS, PLANNED, ResourceType
from podbt.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanNode:
    """A node that a dbt command can run.

    Attributes:
        name: dbt's name for it, which versions share.
        resource_type: dbt's word for what it is.
        path: Its file, relative to its package.
        tags: Sorted.
        materialized: As configured; "test" and the like for what is no table.
        depends_on: unique_ids of the nodes and sources it reads.
        meta: What of `meta` podbt reads: the owner, and what the node demands.
        description: Shortened; of what gets a task of its own.
    """

    name: str
    resource_type: ResourceType
    path: str
    tags: list[str] = field(default_factory=list)
    materialized: str | None = None
    depends_on: list[str] = field(default_factory=list)
    meta: dict[str, Any] = field(default_factory=dict)
    description: str = ""

    def __post_init__(self) -> None:
        if self.resource_type not in PLANNED:
            raise ConfigError(f"resource_type: a {self.resource_type} is no node that a dbt command can run.")


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanSource:
    """A table that somebody else writes."""

    name: str
    source_name: str
    has_freshness: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanSelector:
    """A selector of selectors.yml and the nodes that dbt resolves it to.

    Attributes:
        description: The author's.
        nodes: unique_ids. Where `asks` is not empty, all that it could match.
        asks: Methods in it that only a run with a state can resolve: state, result, source_status.
    """

    description: str = ""
    nodes: list[str]
    asks: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanGroup:
    """A dbt group and the nodes that dbt resolves `group:<name>` to: those in it, and the tests that read them.

    Attributes:
        owner: Whose it is: the owner's name, else the first of its addresses.
        nodes: unique_ids.
    """

    owner: str | None = None
    nodes: list[str]


@dataclass(frozen=True, kw_only=True)
class PlanContent:
    """A project on some targets. Keys of the maps are dbt's unique_ids, and names of selectors and groups.

    Attributes:
        nodes: All that is enabled.
        sources: All that is enabled.
        selectors: Those of selectors.yml.
        groups: dbt's groups.
        default_selector: Name of the selector that a command without a selection means; None where it means everything.
        targets: The targets that this is known to hold for; empty where it holds for any.
    """

    nodes: Mapping[str, PlanNode]
    sources: Mapping[str, PlanSource]
    selectors: Mapping[str, PlanSelector]
    groups: Mapping[str, PlanGroup] = field(default_factory=dict)
    default_selector: str | None = None
    targets: tuple[str, ...] = ()

    @property
    def chosen_by_default(self) -> PlanSelector | None:
        """What a command without a selection means; None where it means everything."""
        return None if self.default_selector is None else self.selectors[self.default_selector]

    def owner_of(self, unique_id: str) -> str | None:
        """Whose a node is: its meta's owner, else the owner of its dbt group. A test is with what it reads."""
        node = self.nodes.get(unique_id)
        if node is None:
            return None
        if owner := node.meta.get("owner"):
            return str(owner)
        if node.resource_type in CHECKS:  # it may be with the nodes of several groups
            return next(filter(None, map(self.owner_of, node.depends_on)), None)
        return next((group.owner for group in self.groups.values() if unique_id in group.nodes), None)
