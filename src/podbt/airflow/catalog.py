"""What Airflow reads out of the plan for a DAG file that is parsed."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from podbt.airflow.assets import dbt_asset
from podbt.contract.kinds import CHECKS, TABLES, Command, ResourceType, type_of
from podbt.contract.plan import Plan
from podbt.contract.plans import latest_plan
from podbt.contract.settings.files import settings_file
from podbt.contract.settings.load import AnySettings, load_settings
from podbt.errors import PodbtError

_GROUP: Final = "group:"
_LISTED: Final = 12  # names a list shows: the page of a task is no catalogue, and each DAG carries it


def plan(project: str | None = None) -> Plan | None:
    """The plan that the settings name; None where this machine has no settings, or they name none."""
    if not settings_file(project).exists():
        return None
    return known_plan(load_settings(project=project))


def known_plan(settings: AnySettings) -> Plan | None:
    """The plan of the settings' image, or the one before it while that is not told yet; None where there is none."""
    return None if settings.plan is None else latest_plan(settings.plan, getattr(settings, "image", None))


def selector_names(project: str | None = None) -> list[str]:
    """The project's selectors, for a form's list."""
    known = plan(project)
    return [] if known is None else sorted(known.selectors)


def lineage(
    selector: str | None = None, *, group: str | None = None, target: str, project: str | None = None
) -> str | None:
    """What a step builds and reads, as the page of its task shows it.

    Each model links to its asset, from where Airflow leads to whatever is made from it.

    Args:
        selector: A selector of selectors.yml.
        group: A dbt group. Without selector and group it is the whole project.
        target: The dbt target, which the assets' names have in them.
        project: One of several dbt projects that this Airflow runs.

    Returns:
        Markdown; None where Airflow has no plan, or the plan no such selector or group.
    """
    known = plan(project)
    if known is None:
        return None
    known = known.on(target)
    if selector is None and group is None:
        default = known.chosen_by_default
        chosen, description = default.nodes if default else list(known.nodes), f"The whole of {known.project}."
    elif found := known.selectors.get(selector or ""):
        chosen, description = found.nodes, found.description
    elif one_group := known.groups.get(group or ""):
        chosen, description = one_group.nodes, f"Owner: {one_group.owner}" if one_group.owner else ""
    else:
        return None
    nodes = {one: known.nodes[one] for one in chosen if one in known.nodes}
    built = {one: node for one, node in nodes.items() if node.resource_type in TABLES}
    others = Counter(node.resource_type for one, node in nodes.items() if one not in built)
    functions = others[ResourceType.FUNCTION]
    functions_too = f"{functions} function{'s' * (functions != 1)}, " if functions else ""
    tests = sum(others[kind] for kind in CHECKS)
    reads = sorted({parent for node in built.values() for parent in node.depends_on} - set(nodes))
    if selector and (asks := known.selectors[selector].asks):
        description = f"{description} Decided in each run, by {' and '.join(asks)}: at most these.".strip()
    lines = [description, "", f"{len(built)} tables and views, {functions_too}{tests} tests. Builds:", ""]
    lines += [f"- {_link(known.project, node.name, target)}" for node in list(built.values())[:_LISTED]]
    if len(built) > _LISTED:
        lines.append(f"- and {len(built) - _LISTED} more")
    if reads:
        lines += ["", "Reads what others build:", ""]
        lines += [f"- {_name(known, one, target)}" for one in reads[:_LISTED]]
        if len(reads) > _LISTED:
            lines.append(f"- and {len(reads) - _LISTED} more")
    return "\n".join(lines).strip()


def page_of(fields: Mapping[str, Any], project: str | None = None) -> str | None:
    """The page of a step that its author gave none: the lineage of what it builds.

    Args:
        fields: Of `Step`, as a DAG file has them.
        project: One of several dbt projects that this Airflow runs.

    Returns:
        Markdown; None for a command other than build, where only dbt could say what is selected, where a template
        stands for it, and where Airflow has no plan or cannot read it, which the run will say.
    """
    if fields.get("command", Command.BUILD) != Command.BUILD or fields.get("commands") or fields.get("exclude"):
        return None
    selector, selected = fields.get("selector"), fields.get("select") or []
    words = selected.split() if isinstance(selected, str) else list(selected)
    group = words[0].removeprefix(_GROUP) if len(words) == 1 and words[0].startswith(_GROUP) else None
    if words and group is None:
        return None
    try:
        target = fields.get("target") or load_settings(project=project).target
        return None if "{{" in target else lineage(selector, group=group, target=target, project=project)
    except PodbtError:
        return None


def _name(known: Plan, unique_id: str, target: str) -> str:
    if unique_id in known.sources:
        source = known.sources[unique_id]
        return f"source {source.source_name}.{source.name}"
    name = unique_id.split(".", 2)[-1]
    return f"function {name}" if type_of(unique_id) == ResourceType.FUNCTION else _link(known.project, name, target)


def _link(project: str, name: str, target: str) -> str:
    asset = dbt_asset(project, name, target=target).name
    return f"[{name}](/assets?name_pattern={quote(asset, safe='')})"
