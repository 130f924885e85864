"""What models ask of the machine that builds them: `meta: {podbt: {...}}` in the dbt project, by way of the plan."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from podbt.contract.exact import criteria
from podbt.contract.model import Strict
from podbt.contract.plan import Plan
from podbt.contract.plan_nodes import PlanContent
from podbt.contract.settings.common import Amounts, Resources, amount
from podbt.contract.settings.docker import DockerSettings
from podbt.contract.settings.kubernetes import Settings
from podbt.contract.step import Step
from podbt.errors import ConfigError

META_KEY: Final = "podbt"
Fitted = TypeVar("Fitted", Settings, DockerSettings)


class DemandedResources(Strict):
    """As Settings' resources, without their defaults."""

    requests: Amounts = Amounts()
    limits: Amounts = Amounts()


class Demands(Strict):
    """What stands under `meta.podbt` of a node."""

    resources: DemandedResources = DemandedResources()
    node_selector: dict[str, str] = {}


def demands_of(meta: Mapping[str, Any], name: str) -> Demands | None:
    """The demands of one node.

    Raises:
        ConfigError: `meta.podbt` holds an unknown key or a wrong value.
    """
    return Demands.parse(meta[META_KEY], source=f"meta.podbt of {name}") if META_KEY in meta else None


def fitted(settings: Fitted, step: Step, plan: Plan) -> Fitted:
    """The settings with resources that are enough for every model of a step, and on a node that all of them accept.

    Selectors and groups are looked up in the plan, where dbt has resolved them, and so is a selection of plain names.
    What only dbt can resolve (graph operators, other methods, states) may be any node, so it counts as all of them: too
    much, never too little. A Docker host has no nodes to choose from.

    Raises:
        ConfigError: Two models of the step demand different values of one node label.
    """
    demanded = demanded_by(step, plan.on(step.target or settings.target))
    resources = settings.resources
    for demands in demanded.values():
        requests = _largest(resources.requests, demands.resources.requests)
        limits = _largest(resources.limits, demands.resources.limits)
        # A model that asks for more than the settings allow is not refused for it: the limit follows.
        resources = Resources(requests=requests, limits=_at_least(limits, requests))
    changes: dict[str, Any] = {"resources": resources}
    if isinstance(settings, Settings):
        changes["node_selector"] = {**settings.node_selector, **_labels(demanded)}
    return settings.model_copy(update=changes)


def demanded_by(step: Step, plan: PlanContent) -> dict[str, Demands]:
    """What the nodes of a step demand, by unique_id; those that demand nothing are not in it.

    Raises:
        ConfigError: As `demands_of`.
    """
    chosen = {one: None for command in step.commands or (step,) for one in _candidates(command, plan)}
    found = {one: demands_of(plan.nodes[one].meta, one) for one in chosen if one in plan.nodes}
    return {unique_id: demands for unique_id, demands in found.items() if demands is not None}


def _labels(demanded: Mapping[str, Demands]) -> dict[str, str]:
    """The node labels that all of them agree on."""
    labels: dict[str, str] = {}
    claimed: dict[str, str] = {}
    for unique_id, demands in demanded.items():
        for label, value in demands.node_selector.items():
            if labels.setdefault(label, value) != value:
                raise ConfigError(
                    f"{unique_id} demands nodes with {label}={value}, {claimed[label]} with {labels[label]}. "
                    "Run them in steps of their own."
                )
            claimed.setdefault(label, unique_id)
    return labels


def _candidates(step: Step, plan: PlanContent) -> Iterable[str]:
    if step.selector is not None:
        known = plan.selectors.get(step.selector)
        return known.nodes if known else plan.nodes
    if not step.select and not step.exclude and plan.chosen_by_default:
        return plan.chosen_by_default.nodes
    if not step.select:
        return plan.nodes
    named = _named(plan)
    if not all(word in named for word in step.select):
        named |= {word: [one] for word, one in zip(criteria(plan.nodes, plan.nodes), plan.nodes, strict=True)}
    if all(word in named for word in step.select):
        return [unique_id for word in step.select for unique_id in named[word]]
    return plan.nodes


def _named(plan: PlanContent) -> dict[str, list[str]]:
    """The nodes that a word selects. Not of a folder's or package's name: that selects whatever lies in it, too."""
    named: dict[str, list[str]] = {}
    wider: set[str] = set()
    for unique_id, node in plan.nodes.items():
        named.setdefault(node.name, []).append(unique_id)
        wider |= {unique_id.split(".", 2)[1], *node.path.split("/")[:-1]}
    found = {name: unique_ids for name, unique_ids in named.items() if name not in wider}
    return found | {f"group:{name}": group.nodes for name, group in plan.groups.items()}


def _largest(one: Amounts, other: Amounts) -> Amounts:
    return Amounts(cpu=_larger(one.cpu, other.cpu), memory=_larger(one.memory, other.memory))


def _at_least(limits: Amounts, requests: Amounts) -> Amounts:
    return Amounts(
        cpu=limits.cpu and _larger(limits.cpu, requests.cpu),
        memory=limits.memory and _larger(limits.memory, requests.memory),
    )


def _larger(one: str | None, other: str | None) -> str | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=amount)
