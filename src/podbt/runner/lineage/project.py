"""What dbt has parsed, as far as lineage tells of it: dbt's manifest in the words of its manifest.json."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from podbt.contract.kinds import EPHEMERAL, ResourceType

TOLD: Final = frozenset({ResourceType.MODEL, ResourceType.SEED, ResourceType.SNAPSHOT, ResourceType.TEST})
"""Types of nodes that are jobs of their own. OpenLineage's integration knows no others."""

_NAMES: Final = ("unique_id", "name", "alias", "database", "schema", "original_file_path")
_CONFIG: Final = (
    "materialized", "access", "group", "severity", "error_if", "warn_if", "incremental_strategy", "unique_key",
    "on_schema_change", "full_refresh", "event_time", "batch_size", "lookback",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Project:
    """A parsed project.

    Attributes:
        connection: The adapter's type and what it connects to. No credential is in it.
        name: The project's.
        version: The project's own, where it has one.
        profile: The profile's name.
        manifest: The nodes, sources and edges.
        sql: The SQL that a node was compiled to, by its unique_id, once it was.
    """

    connection: Mapping[str, Any]
    name: str
    version: str | None
    profile: str
    manifest: Mapping[str, Any]
    sql: Callable[[str], str | None]


def project_of(manifest: Any, config: Any, hide: Callable[[str], str]) -> Project:
    """Takes what lineage tells of out of dbt's own objects: a thousandth of what writing manifest.json costs.

    Args:
        manifest: dbt's, parsed.
        config: dbt's, of this run.
        hide: Takes secrets out of a text that people have written.
    """
    nodes = {node.unique_id: node for node in list(manifest.nodes.values())}
    told = {uid: node for uid, node in nodes.items() if node.resource_type in TOLD and not _is_ephemeral(node)}
    return Project(
        connection={"type": config.credentials.type, **dict(config.credentials.connection_info())},
        name=str(config.project_name),
        version=None if config.version is None else str(config.version),
        profile=str(config.profile_name),
        manifest={
            "nodes": {uid: _node(node, hide) for uid, node in told.items()},
            "sources": {source.unique_id: _node(source, hide) for source in manifest.sources.values()},
            "exposures": {one.unique_id: _exposure(one) for one in manifest.exposures.values()},
            "parent_map": {uid: _parents(node, nodes, manifest.sources) for uid, node in told.items()},
        },
        sql=lambda unique_id: getattr(manifest.nodes.get(unique_id), "compiled_code", None),
    )


def _is_ephemeral(node: Any) -> bool:
    return bool(getattr(node.config, "materialized", None) == EPHEMERAL)


def _parents(node: Any, nodes: Mapping[str, Any], sources: Collection[str]) -> list[str]:
    """The tables that a node reads: through ephemeral models, which are none, what those read."""
    return list(dict.fromkeys(_reads(node, nodes, sources)))


def _reads(node: Any, nodes: Mapping[str, Any], sources: Collection[str]) -> Iterator[str]:
    for unique_id in node.depends_on_nodes:
        parent = nodes.get(unique_id)
        if unique_id in sources:
            yield unique_id
        elif parent is not None and _is_ephemeral(parent):
            yield from _reads(parent, nodes, sources)
        elif parent is not None and parent.resource_type in TOLD - {ResourceType.TEST}:
            yield unique_id


def _node(node: Any, hide: Callable[[str], str]) -> dict[str, Any]:
    """A node or source. Names stand as they are: a word in one that happens to be a password is none there."""
    given = {name: getattr(node, name, None) for name in _NAMES}
    config = {key: value for key in _CONFIG if (value := getattr(node.config, key, None)) is not None}
    metadata = getattr(node, "test_metadata", None)
    return {
        **given,
        "resource_type": str(node.resource_type),
        "description": hide(node.description or ""),
        "columns": {name: _column(column, hide) for name, column in getattr(node, "columns", {}).items()},
        "tags": list(getattr(node, "tags", ())),
        "meta": _hidden(dict(getattr(node, "meta", None) or {}), hide),
        "config": _hidden(config, hide),
        "attached_node": getattr(node, "attached_node", None),
        "test_metadata": metadata and {"name": metadata.name, "kwargs": _hidden(dict(metadata.kwargs), hide)},
        "raw_code": hide(node.raw_code) if node.resource_type == ResourceType.TEST else None,
    }


def _column(column: Any, hide: Callable[[str], str]) -> dict[str, Any]:
    return {"name": column.name, "data_type": column.data_type, "description": hide(column.description or "")}


def _exposure(one: Any) -> dict[str, Any]:
    known = {"unique_id": one.unique_id, "name": one.name, "type": str(one.type.value), "url": one.url}
    return {**known, "depends_on": {"nodes": list(one.depends_on.nodes)}}


def _hidden(value: Any, hide: Callable[[str], str]) -> Any:
    """Plain data as JSON can have it, without secrets."""
    if isinstance(value, Mapping):
        return {str(key): _hidden(item, hide) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_hidden(item, hide) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else hide(str(value))
