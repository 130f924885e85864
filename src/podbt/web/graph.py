"""What a manifest says of a project, as far as pages show it.

A manifest comes from the store, so nothing in it counts as well-formed: what is not as expected is left out, and a page
then shows less.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from podbt.contract.kinds import CHECKS, ResourceType
from podbt.errors import ConfigError

_PLACES: Final = ("nodes", "sources", "unit_tests", "functions", "exposures")
_EXPOSURE: Final = "exposure"


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column as its project documents it."""

    name: str
    kind: str = ""
    description: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphNode:
    """A node of the project.

    Attributes:
        parents: unique_ids that it reads.
        owner: Whose it is by its own meta or its group; a test's is told by `Graph.owner_of`.
        raw: Its SQL as it stands in the project.
        compiled: Its SQL as it was compiled last, where the manifest has it.
    """

    unique_id: str
    name: str
    kind: str
    parents: tuple[str, ...] = ()
    description: str = ""
    owner: str | None = None
    path: str = ""
    materialized: str = ""
    tags: tuple[str, ...] = ()
    relation: str = ""
    columns: tuple[Column, ...] = ()
    raw: str = ""
    compiled: str = ""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """The nodes of a project by unique_id."""

    project: str = ""
    nodes: Mapping[str, GraphNode] = field(default_factory=dict)

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """By unique_id, who reads it."""
        found: dict[str, list[str]] = {}
        for unique_id, node in self.nodes.items():
            for parent in node.parents:
                found.setdefault(parent, []).append(unique_id)
        return {parent: tuple(sorted(readers)) for parent, readers in found.items()}

    def parents_of(self, unique_id: str) -> tuple[str, ...]:
        node = self.nodes.get(unique_id)
        return node.parents if node else ()

    def tests_of(self, unique_id: str) -> list[str]:
        """The tests that read a node."""
        readers = self.children.get(unique_id, ())
        return [one for one in readers if one in self.nodes and self.nodes[one].kind in CHECKS]

    def owner_of(self, unique_id: str) -> str | None:
        """Whose a node is. A test is with what it reads."""
        node = self.nodes.get(unique_id)
        if node is None:
            return None
        if node.owner or node.kind not in CHECKS:
            return node.owner
        return next((found for one in node.parents if one in self.nodes and (found := self.nodes[one].owner)), None)

    def above(self, unique_id: str) -> set[str]:
        """All that it builds on."""
        found: set[str] = set()
        left = list(self.parents_of(unique_id))
        while left:
            one = left.pop()
            if one not in found:
                found.add(one)
                left += self.parents_of(one)
        return found


def read_graph(manifest: bytes, *, source: str) -> Graph:
    """What a manifest says.

    Raises:
        ConfigError: It is no manifest.
    """
    try:
        data = json.loads(manifest)
    except ValueError:
        raise ConfigError(f"{source} is no JSON.") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{source} is no manifest.")
    owners = dict(_group_owners(data))
    found = {
        str(unique_id): _node(str(unique_id), node, owners)
        for place in _PLACES
        for unique_id, node in _mapping(data.get(place)).items()
        if isinstance(node, dict)
    }
    return Graph(project=_text(_mapping(data.get("metadata")).get("project_name")), nodes=found)


def _node(unique_id: str, data: Mapping[str, Any], owners: Mapping[str, str]) -> GraphNode:
    config, meta = _mapping(data.get("config")), _mapping(data.get("meta"))
    meta = {**_mapping(config.get("meta")), **meta}
    kind = _text(data.get("resource_type")) or unique_id.partition(".")[0]
    owned = _text(_mapping(data.get("owner")).get("name")) if kind == _EXPOSURE else ""
    owner = _text(meta.get("owner")) or owned or owners.get(_text(data.get("group")) or _text(config.get("group")))
    name = _text(data.get("name")) or unique_id
    return GraphNode(
        unique_id=unique_id,
        name=f"{_text(data.get('source_name'))}.{name}" if kind == ResourceType.SOURCE else name,
        kind=kind,
        parents=tuple(str(one) for one in _list(_mapping(data.get("depends_on")).get("nodes"))),
        description=_text(data.get("description")).strip(),
        owner=owner or None,
        path=_text(data.get("original_file_path")),
        materialized=_text(config.get("materialized")),
        tags=tuple(str(tag) for tag in _list(data.get("tags"))),
        relation=_text(data.get("relation_name")),
        columns=tuple(_columns(data)),
        raw=_text(data.get("raw_code")),
        compiled=_text(data.get("compiled_code")),
    )


def _columns(data: Mapping[str, Any]) -> Iterator[Column]:
    for name, column in _mapping(data.get("columns")).items():
        if isinstance(column, dict):
            yield Column(
                name=_text(column.get("name")) or str(name),
                kind=_text(column.get("data_type")),
                description=_text(column.get("description")).strip(),
            )


def _group_owners(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for group in _mapping(data.get("groups")).values():
        owner = _mapping(_mapping(group).get("owner"))
        found = _text(owner.get("name")) or _text(owner.get("email"))
        if found:
            yield _text(_mapping(group).get("name")), found


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
