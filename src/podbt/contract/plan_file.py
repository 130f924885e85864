"""How a plan is written: every DAG file that reads one pays for its bytes, so each text stands in it once.

Nodes and sources have a number, their place in `ids` as it is written; the columns follow that order. What repeats
(tags, paths, owners) is a table with a place in it for each node, and a set of nodes is runs of neighbours.
"""

import dataclasses
import hashlib
import json
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from podbt.contract.kinds import ResourceType, type_of
from podbt.contract.model import Strict
from podbt.contract.plan_nodes import PlanContent, PlanGroup, PlanNode, PlanSelector, PlanSource

SCHEMA_VERSION: Final = 3
_NAMED: Final = "//"  # stands in a path where the node's name does, and in no other
_PARTS: Final = 2  # of an id, before what tells it from its neighbours: what it is, and its package


class Column(Strict):
    """One attribute of all nodes."""

    values: list[Any]
    """Each value once."""
    at: list[int]
    """Of each node, the place of its value."""

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]  # not the fields: a column is its values
        return (self.values[one] for one in self.at)


class Nodes(Strict):
    """What can run, an attribute a column."""

    names: dict[str, str] = {}
    """By unique_id, where it does not tell the name: see `_implied_name`."""
    path: Column
    tags: Column
    materialized: Column
    meta: Column
    description: Column
    depends_on: list[list[int]]


class Source(Strict):
    name: str
    source_name: str
    has_freshness: bool = False


class Selector(Strict):
    description: str = ""
    nodes: list[int]
    """Runs, see `_runs`."""
    asks: list[str] = []


class Group(Strict):
    owner: str | None = None
    nodes: list[int]


class View(Strict):
    """The project on some targets."""

    targets: list[str] = []
    default_selector: str | None = None
    ids: dict[str, list[str]]
    """unique_ids of nodes and sources: "<resource type>.<package>" -> the rest of each."""
    more_ids: list[str] = []
    """unique_ids that are neither and that something refers to; numbered after the others."""
    nodes: Nodes
    sources: list[Source]
    selectors: dict[str, Selector]
    groups: dict[str, Group] = {}


class PlanFile(Strict):
    """plan.json."""

    schema_version: Literal[3] = SCHEMA_VERSION
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    project: str
    dbt_version: str
    views: Annotated[list[View], Field(min_length=1)]
    """The first is for all targets that no other names."""


def pack(plan: PlanContent) -> dict[str, Any]:
    """What the file says of the project on some targets."""
    parts, source_parts = _in_parts(plan.nodes), _in_parts(plan.sources)
    known = [*_whole(parts), *_whole(source_parts)]
    named = [one.nodes for one in plan.selectors.values()] + [one.nodes for one in plan.groups.values()]
    named += [node.depends_on for node in plan.nodes.values()]
    more = sorted({unique_id for unique_ids in named for unique_id in unique_ids}.difference(known))
    number = {unique_id: index for index, unique_id in enumerate([*known, *more])}
    nodes = [plan.nodes[unique_id] for unique_id in known[: len(plan.nodes)]]

    def numbers(unique_ids: list[str]) -> list[int]:
        return _runs(number[unique_id] for unique_id in unique_ids)

    view = View(
        targets=list(plan.targets),
        default_selector=plan.default_selector,
        ids={**parts, **source_parts},
        more_ids=more,
        nodes=Nodes(
            names={key: node.name for key, node in sorted(plan.nodes.items()) if node.name != _implied_name(key)},
            path=_column(_folded(node) for node in nodes),
            tags=_column(node.tags for node in nodes),
            materialized=_column(node.materialized for node in nodes),
            meta=_column(node.meta for node in nodes),
            description=_column(node.description for node in nodes),
            depends_on=[[number[one] for one in node.depends_on] for node in nodes],
        ),
        sources=[Source(**dataclasses.asdict(plan.sources[key])) for key in _whole(source_parts)],
        selectors={
            name: Selector(description=one.description, nodes=numbers(one.nodes), asks=one.asks)
            for name, one in sorted(plan.selectors.items())
        },
        groups={name: Group(owner=one.owner, nodes=numbers(one.nodes)) for name, one in sorted(plan.groups.items())},
    )
    return view.model_dump(mode="json", exclude_defaults=True)


def unpack(view: View) -> PlanContent:
    """The reverse of `pack`."""
    columns = view.nodes
    kinds = {str(kind): kind for kind in ResourceType}
    count = len(columns.depends_on)
    ids = [*_whole(view.ids), *view.more_ids]
    names = [columns.names.get(unique_id) or _implied_name(unique_id) for unique_id in ids[:count]]
    nodes = {
        unique_id: PlanNode(
            name=name,
            resource_type=kinds[type_of(unique_id)],
            path=path.replace(_NAMED, f"/{name}"),
            tags=tags,
            materialized=materialized,
            depends_on=[ids[one] for one in depends_on],
            meta=meta,
            description=description,
        )
        for unique_id, name, path, tags, materialized, meta, description, depends_on in zip(
            ids[:count],
            names,
            columns.path,
            columns.tags,
            columns.materialized,
            columns.meta,
            columns.description,
            columns.depends_on,
            strict=True,
        )
    }
    sources = zip(ids[count : count + len(view.sources)], view.sources, strict=True)
    return PlanContent(
        nodes=nodes,
        sources={key: PlanSource(**dict(source)) for key, source in sources},
        selectors={
            name: PlanSelector(description=one.description, nodes=list(_taken(one.nodes, ids)), asks=one.asks)
            for name, one in view.selectors.items()
        },
        groups={
            name: PlanGroup(owner=one.owner, nodes=list(_taken(one.nodes, ids))) for name, one in view.groups.items()
        },
        default_selector=view.default_selector,
        targets=tuple(view.targets),
    )


def content_hash(data: Mapping[str, Any]) -> str:
    """The hash of a plan file's content, which covers all but the hash itself."""
    content = {key: value for key, value in data.items() if key != "hash"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _folded(node: PlanNode) -> str:
    """A path without the name of a file that has the node's, so that all models of a folder have the same."""
    folder, slash, file = node.path.rpartition("/")
    stem, _, ending = file.partition(".")
    return f"{folder}{_NAMED}.{ending}" if slash and ending and stem == node.name else node.path


def _implied_name(unique_id: str) -> str:
    """The name that most nodes of such an id have: a test's ends in a hash, a unit test's begins with its model."""
    kind, _, rest = unique_id.split(".", _PARTS)
    if kind == "test":
        return rest.rpartition(".")[0] or rest
    return rest.rpartition(".")[2] if kind == "unit_test" else rest


def _column(values: Iterable[Any]) -> Column:
    """Writes each value once. Values are what JSON can hold."""
    table: dict[Hashable, int] = {}
    distinct: list[Any] = []
    at: list[int] = []
    for value in values:
        key = value if isinstance(value, Hashable) else json.dumps(value, sort_keys=True)
        if key not in table:
            table[key] = len(distinct)
            distinct.append(value)
        at.append(table[key])
    return Column(values=distinct, at=at)


def _in_parts(unique_ids: Iterable[str]) -> dict[str, list[str]]:
    """unique_ids by their beginning, which is the same for all of a package's models."""
    found: dict[str, list[str]] = {}
    for unique_id in sorted(unique_ids, key=_begin_and_rest):
        begin, rest = _begin_and_rest(unique_id)
        found.setdefault(begin, []).append(rest)
    return found


def _whole(parts: Mapping[str, Sequence[str]]) -> list[str]:
    """The reverse of `_in_parts`."""
    return [f"{begin}.{rest}" for begin, rests in parts.items() for rest in rests]


def _begin_and_rest(unique_id: str) -> tuple[str, str]:
    kind, package, rest = unique_id.split(".", _PARTS)
    return f"{kind}.{package}", rest


def _runs(numbers: Iterable[int]) -> list[int]:
    """A set of numbers as pairs: how many to skip, how many to take."""
    found: list[int] = []
    after = 0
    for number in sorted(set(numbers)):
        if found and number == after:
            found[-1] += 1
        else:
            found += [number - after, 1]
        after = number + 1
    return found


def _taken(pairs: Sequence[int], things: Sequence[str]) -> Iterator[str]:
    """The reverse of `_runs`, applied to what the numbers stand for."""
    at = 0
    for skipped, count in zip(pairs[::2], pairs[1::2], strict=True):
        at += skipped
        yield from things[at : at + count]
        at += count
