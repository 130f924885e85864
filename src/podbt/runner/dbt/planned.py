"""A project's plan, out of dbt's manifest."""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from podbt.contract.demands import META_KEY, demands_of
from podbt.contract.kinds import BUILT, RUNNABLE, ResourceType
from podbt.contract.plan_nodes import PlanContent, PlanGroup, PlanNode, PlanSelector, PlanSource
from podbt.runner.dbt.selectors import Resolver, asked

_SELECTABLE: Final = re.compile(r"[\w.-]+")  # a group of another name (blanks, commas, wildcards) no --select can mean
_READ_META: Final = ("owner", META_KEY)
_DESCRIPTION_CHARS: Final = 300


def content_of(manifest: Any, config: Any) -> PlanContent:
    """What DAGs know of a project.

    Args:
        manifest: dbt's, parsed.
        config: dbt's runtime configuration.

    Raises:
        ConfigError: A node's meta demands something in a wrong way.
    """
    resolver = Resolver(manifest, config)
    functions = getattr(manifest, "functions", {})  # since dbt-core 1.11
    found = {**manifest.nodes, **manifest.unit_tests, **functions}
    # A test of a model that is not there stays in the manifest, switched off.
    runnable = {key: one for key, one in found.items() if str(one.resource_type) in RUNNABLE and one.config.enabled}
    nodes = {key: _node(node) for key, node in sorted(runnable.items())}
    specs = {name: config.get_selector(name) for name in sorted(config.selectors)}

    def known(unique_ids: Iterable[str]) -> list[str]:
        return sorted(nodes.keys() & set(unique_ids))

    return PlanContent(
        nodes=nodes,
        sources={key: _source(source) for key, source in sorted(manifest.sources.items())},
        selectors={
            name: PlanSelector(
                description=str(config.manifest_selectors.get(name, {}).get("description") or ""),
                nodes=known(resolver.nodes(spec)),
                asks=sorted(asked(spec)),
            )
            for name, spec in specs.items()
        },
        groups={
            group.name: PlanGroup(owner=_owner(group.owner), nodes=known(resolver.of_group(group.name)))
            for _, group in sorted(manifest.groups.items())
            if _SELECTABLE.fullmatch(group.name)
        },
        default_selector=config.get_default_selector_name(),
    )


def _node(node: Any) -> PlanNode:
    meta = dict(getattr(node.config, "meta", None) or {})
    demands_of(meta, node.unique_id)  # refused here, not at night
    kind = ResourceType(str(node.resource_type))
    described = " ".join((getattr(node, "description", "") or "").split()) if kind in BUILT else ""
    return PlanNode(
        name=node.name,
        resource_type=kind,
        path=node.original_file_path,
        tags=sorted(node.tags if hasattr(node, "tags") else node.config.tags or []),
        materialized=getattr(node.config, "materialized", None),
        depends_on=sorted(getattr(node.depends_on, "nodes", [])),  # a seed depends on macros alone
        meta=json.loads(json.dumps({key: meta[key] for key in _READ_META if key in meta}, default=str)),
        description=described[: _DESCRIPTION_CHARS + 1],  # one more than is shown, which tells that it goes on
    )


def _source(source: Any) -> PlanSource:
    return PlanSource(name=source.name, source_name=source.source_name, has_freshness=bool(source.has_freshness))


def _owner(owner: Any) -> str | None:
    address = owner.email[0] if isinstance(owner.email, list) and owner.email else owner.email
    return owner.name or address or None
