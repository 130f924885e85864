"""What a pull request changed: dbt's own answer, why it says so, what it does not see, and where it surprises.

dbt's `state:modified` decides. Here is added what it is blind to: a variable of dbt_project.yml. The reasons are read
off the two manifests; a surprise is a line for the report and changes nothing that is built.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from podbt.ci.manifest import Manifest, bare
from podbt.contract.kinds import TABLES, ResourceType, type_of
from podbt.contract.project_vars import Digests, changed

_VARIABLE: Final = r"\bvar\(\s*\\?['\"]{}\\?['\"]"
_ANY_VARIABLE: Final = re.compile(r"\bvar\(\s*\\?['\"](\w+)\\?['\"]|\bvar\(\s*(?!\\?['\"])(\w+)")
_FRESHNESS: Final = frozenset({"freshness", "loaded_at_field", "loaded_at_query"})
_SHOWN: Final = 5


@dataclass(frozen=True)
class Change:
    """Something that the pull request changed, and in which way."""

    unique_id: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What the pull request changed.

    Attributes:
        modified: What dbt calls state:modified, sorted.
        by_variable: What dbt does not, but reads a changed variable, sorted.
        notes: Where dbt's answer may surprise, a line each.
    """

    modified: Sequence[Change] = ()
    by_variable: Sequence[Change] = ()
    notes: Sequence[str] = ()


def compare(
    before: Manifest, after: Manifest, modified: Collection[str], old_vars: Digests | None, new_vars: Digests
) -> Changes:
    """Compares a pull request with a state.

    Args:
        before: The state's manifest.
        after: The pull request's.
        modified: The unique_ids that `dbt ls --select state:modified` found.
        old_vars: The state's variables; None where it does not tell.
        new_vars: The pull request's.
    """
    names = changed(old_vars, new_vars) if old_vars is not None else set()
    readers = _readers(after, names)
    by_variable = [Change(key, why) for key, why in sorted(readers.items()) if key not in modified]
    return Changes(
        modified=[Change(key, _why(before, after, key)) for key in sorted(modified)],
        by_variable=by_variable,
        notes=[
            *_removed(before, after),
            *_sources(before, after, modified),
            *_white_space(before, after, modified),
            *_large_seeds(after, modified),
            *_variables(after, names, readers, known=old_vars is not None),
        ],
    )


def _readers(manifest: Manifest, names: Collection[str]) -> dict[str, str]:
    """What reads any of some variables, with the reason."""
    if not names:
        return {}
    pattern = re.compile(_VARIABLE.format(f"({'|'.join(map(re.escape, sorted(names)))})"))
    kinds = {*TABLES, ResourceType.TEST, ResourceType.UNIT_TEST, ResourceType.FUNCTION}
    found: dict[str, str] = {}
    for key in manifest.nodes:
        if type_of(key) in kinds:
            read = {name for text in manifest.texts(key) for name in pattern.findall(text)}
            if read:
                found[key] = f"reads {_named('variable', read)}"
    return found


def _why(before: Manifest, after: Manifest, key: str) -> str:
    old, new = before.nodes.get(key), after.nodes.get(key)
    if old is None or new is None:
        return "new"
    reasons = []
    if _checksum(old) != _checksum(new) or old.get("raw_code") != new.get("raw_code"):
        rows = type_of(key) in {ResourceType.SEED, ResourceType.UNIT_TEST}
        reasons.append("its rows" if rows else "its SQL")
    if configs := sorted(_differing(old.get("unrendered_config"), new.get("unrendered_config"))):
        reasons.append(_named("config", configs))
    if (old.get("contract") or {}).get("checksum") != (new.get("contract") or {}).get("checksum"):
        reasons.append("its contract")
    if macros := sorted(_changed_macros(before, after, key)):
        reasons.append(_named("macro", (macro.partition(".")[2] for macro in macros)))
    if type_of(key) == ResourceType.SOURCE and _fresh(old) != _fresh(new):
        reasons.append("its freshness")
    return ", ".join(reasons) or "by dbt's comparison"


def _changed_macros(before: Manifest, after: Manifest, key: str) -> Iterator[str]:
    for macro in after.macros_of(key):
        old, new = before.macros.get(macro), after.macros.get(macro)
        if new is not None and (old is None or old.get("macro_sql") != new.get("macro_sql")):
            yield macro


def _removed(before: Manifest, after: Manifest) -> Iterator[str]:
    for key, node in sorted(before.tables.items()):
        if key not in after.nodes:
            how = "is disabled now" if key in after.disabled else "is gone"
            yield f"{key} {how}. dbt drops nothing: {node['relation_name']} stays as it is until somebody drops it."


def _sources(before: Manifest, after: Manifest, modified: Collection[str]) -> Iterator[str]:
    for key in sorted(modified):
        old, new = before.nodes.get(key), after.nodes.get(key)
        if type_of(key) != ResourceType.SOURCE or old is None or new is None:
            continue
        differs = {name for name in {*old, *new} if old.get(name) != new.get(name)}
        if differs <= _FRESHNESS | {"config", "unrendered_config", "created_at", "patch_path"} and _fresh(
            old
        ) != _fresh(new):
            yield f"Of {key} only the freshness changed; dbt takes everything that reads it all the same."


def _white_space(before: Manifest, after: Manifest, modified: Collection[str]) -> Iterator[str]:
    """Macros and models of which nothing changed that dbt could act on."""
    told: dict[str, int] = {}
    for key in modified:
        for macro in _changed_macros(before, after, key) if key in before.nodes else ():
            old = before.macros.get(macro)
            if old is not None and bare(old["macro_sql"]) == bare(after.macros[macro]["macro_sql"]):
                told[macro] = told.get(macro, 0) + 1
        old, new = before.nodes.get(key), after.nodes.get(key)
        if old is None or new is None or old.get("raw_code") == new.get("raw_code"):
            continue
        if bare(str(old.get("raw_code"))) == bare(str(new.get("raw_code"))):
            yield f"{key}: only comments or white space changed, and dbt takes it for modified."
    for macro, callers in sorted(told.items()):
        yield f"{macro}: only comments or white space changed, and dbt takes its {callers} callers for modified."


def _large_seeds(after: Manifest, modified: Collection[str]) -> Iterator[str]:
    large = [
        str(node["name"])
        for key, node in sorted(after.nodes.items())
        if type_of(key) == ResourceType.SEED and (node.get("checksum") or {}).get("name") == "path"
    ]
    if hidden := [
        name for name in large if f"seed.{after.data['metadata'].get('project_name')}.{name}" not in modified
    ]:
        yield (
            f"Seeds over 1 MiB ({', '.join(hidden[:_SHOWN])}): dbt compares their path alone, so a change of their "
            "rows is not seen."
        )


def _variables(after: Manifest, names: Collection[str], readers: Mapping[str, str], *, known: bool) -> Iterator[str]:
    if not known:
        yield (
            "The state does not tell which variables it was built with, so a variable that changed in dbt_project.yml "
            "is not seen. The next complete build writes them down."
        )
        return
    if readers:
        yield (
            f"{_named('variable', names).capitalize()} changed in dbt_project.yml. dbt's state:modified does not see "
            f"that; the {len(readers)} nodes that read it by name were added."
        )
    indirect = sorted(
        key
        for key in after.tables
        if names and any(other for text in after.texts(key) for _, other in _ANY_VARIABLE.findall(text))
    )
    own = [key for key in indirect if key not in readers and _own(after, key)]
    if own:
        shown = ", ".join(own[:_SHOWN])
        yield f"{shown}: may read a changed variable by a computed name, var(…), which nobody can tell beforehand."


def _own(after: Manifest, key: str) -> bool:
    """Whether a node's own SQL reads a variable by a computed name; in a package's macro that is the usual way."""
    return any(other for _, other in _ANY_VARIABLE.findall(str(after.nodes[key].get("raw_code") or "")))


def _checksum(node: Mapping[str, Any]) -> Any:
    found = node.get("checksum")
    return found.get("checksum") if isinstance(found, Mapping) else found  # of a unit test it is text


def _fresh(node: Mapping[str, Any]) -> list[Any]:
    return [node.get(name) for name in sorted(_FRESHNESS)]


def _differing(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> set[str]:
    before, after = old or {}, new or {}
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def _named(what: str, names: Any) -> str:
    found = sorted(names)
    return f"{what}{'' if len(found) == 1 else 's'} {', '.join(found)}"
