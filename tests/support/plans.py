"""Small plans, written as the lines of a project."""

from typing import Any

from podbt.contract.kinds import ResourceType
from podbt.contract.plan import Plan, PlanGroup, PlanNode, PlanSelector


def plan(
    *lines: str,
    selectors: dict[str, list[str]] | None = None,
    groups: dict[str, list[str]] | None = None,
    **nodes: dict[str, Any],
) -> Plan:
    """Makes a plan.

    Args:
        lines: "name < parent parent" a node. A name with a kind ("seed.codes") is of that kind, all others are models.
        selectors: unique_ids by selector.
        groups: unique_ids by dbt group; the owner of group `x` is "x-team".
        nodes: More fields of single nodes, by name.
    """
    made: dict[str, PlanNode] = {}
    for line in lines:
        left, _, right = line.partition("<")
        unique_id = uid(left.strip())
        kind, _, name = unique_id.split(".", 2)
        fields: dict[str, Any] = {"materialized": "table", **nodes.get(name, {})}
        made[unique_id] = PlanNode(
            name=name,
            resource_type=ResourceType(kind),
            path=fields.pop("path", f"models/marts/{name}.sql"),
            depends_on=[uid(word) for word in right.split()],
            **fields,
        )
    chosen = {name: PlanSelector(nodes=ids) for name, ids in (selectors or {}).items()}
    grouped = {name: PlanGroup(owner=f"{name}-team", nodes=ids) for name, ids in (groups or {}).items()}
    return Plan.seal(project="p", dbt_version="1.11.0", nodes=made, sources={}, selectors=chosen, groups=grouped)


def uid(word: str) -> str:
    """dbt's unique_id of "name" or "kind.name"."""
    kind, _, name = word.rpartition(".")
    return f"{kind or 'model'}.p.{name}"
