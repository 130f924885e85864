"""What is true of one run alone, and so must not come out of the image's parse: when it began, its id, its flags.

dbt takes no note of what reads these while it parses. So the build looks for their names in the project's templates,
and marks these files as changed, so that dbt parses them in each run, with what calls their macros. That a name stands
in a query and in no config is not told apart: it costs a run one file more.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from podbt.runner.dbt.build_profile import read_yaml

_MARK: Final = "podbt: parsed in each run"
"""A checksum that no file has, and the name of an environment variable that nobody can set."""

_TEMPLATES: Final = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
_NAMES: Final = re.compile(
    r"\b(?:run_started_at|invocation_id|invocation_args_dict|dbt_metadata_envs|thread_id)\b"
    r"|\bflags\s*[.\[|]|\|\s*random\b"
    r"|\bmodules\b(?!\s*\.\s*(?:re|itertools)\b)"  # a clock by whatever way it is reached
)
_UNRENDERED: Final = frozenset({"on-run-start", "on-run-end", "query-comment", "pre-hook", "post-hook"})
"""Keys of dbt_project.yml whose templates dbt renders while it runs."""


def reads_of_one_run(text: str) -> bool:
    """Whether a text's templates name something that is true of one run alone."""
    return any(_NAMES.search(template) for template in _TEMPLATES.findall(text))


def project_reads(folder: Path, variables: Iterable[str] = ()) -> bool:
    """Whether a project's dbt_project.yml computes something of that kind when dbt reads it, beside its vars.

    Args:
        folder: The project.
        variables: As `variables_of` finds them, which are of that kind, too.
    """
    content = {key: value for key, value in read_yaml(folder / "dbt_project.yml").items() if key != "vars"}
    reads = reader(variables)
    return any(map(reads, _texts(content)))


def variables_of(folder: Path) -> set[str]:
    """Names of the vars that a project's dbt_project.yml computes from something of that kind.

    dbt compares that file's text and not what comes of it, so it would keep what the build made of them.
    """
    return set(_computed(read_yaml(folder / "dbt_project.yml").get("vars")))


def reader(variables: Iterable[str] = ()) -> Callable[[str], bool]:
    """Tells whether a text's templates name something that is true of one run, or one of some vars."""
    names = "|".join(map(re.escape, sorted(variables)))
    if not names:
        return reads_of_one_run
    # One that is put together may be any of them.
    asks = re.compile(rf"\bvar\s*\(\s*(?:['\"](?:{names})['\"]|(?!['\"]))")
    return lambda text: reads_of_one_run(text) or any(asks.search(template) for template in _TEMPLATES.findall(text))


def mark(
    data: Mapping[str, Any], texts: Mapping[str, str], own: Iterable[str], variables: Iterable[str] = ()
) -> list[str]:
    """Marks what dbt is to parse in each run.

    Args:
        data: A manifest as dbt serializes it; it is changed.
        texts: Contents of the files, by dbt's id of the file.
        own: The project and its packages, without dbt's own.
        variables: As `variables_of` finds them.

    Returns:
        The files, by dbt's id: "shop://models/orders.sql".
    """
    packages, reads = frozenset(own), reader(variables)
    marked = [
        file_id
        for file_id, file in data["files"].items()
        if file.get("project_name") in packages and _mark(file, texts.get(file_id) or "", reads)
    ]
    if marked:
        data["env_vars"][_MARK] = _MARK
    return sorted(marked)


def names_all(data: Mapping[str, Any]) -> bool:
    """Whether a marked file has to do with the names of schemas and tables, so that all nodes would be parsed again."""
    from dbt.parser.partial import special_override_macros  # noqa: PLC0415 - slow to import

    macros = data["macros"]
    marked = {
        key
        for key, macro in macros.items()
        if (file := data["files"].get(f"{macro['package_name']}://{macro['original_file_path']}"))
        and file["checksum"].get("checksum") == _MARK
    }
    waiting = [key for key, macro in macros.items() if macro["name"] in special_override_macros]
    seen = set(waiting)
    while waiting and marked:
        if (key := waiting.pop()) in marked:
            return True
        called = set(macros[key]["depends_on"].get("macros", ())) & macros.keys()
        waiting += called - seen
        seen |= called
    return False


def _mark(file: dict[str, Any], text: str, reads: Callable[[str], bool]) -> bool:
    if file["parse_file_type"] not in {"schema", "seed", "fixture"}:
        found = reads(text)
        if found:  # and not by env_vars: dbt then does not look for what calls a macro
            file["checksum"] = {"name": "podbt", "checksum": _MARK}
        return found
    # Of a file with descriptions dbt parses those entries that changed, and compares them itself; what read another
    # environment variable it is told.
    entries = [
        (key, entry["name"])
        for key, listed in file.get("dfy", {}).items()
        for entry in (listed if isinstance(listed, list) else ())
        if isinstance(entry, dict) and "name" in entry and reads(json.dumps(entry, default=str))
    ]
    for key, name in entries:
        file.setdefault("env_vars", {}).setdefault(key, {}).setdefault(name, []).append(_MARK)
    return bool(entries)


def _computed(variables: Any) -> Iterator[str]:
    """Of a package's own vars, which stand below its name, both: what is below a var is a part of it."""
    for name, value in variables.items() if isinstance(variables, Mapping) else ():
        if any(map(reads_of_one_run, _texts(value))):
            yield str(name)
            yield from _computed(value)


def _texts(value: Any, key: str = "") -> Iterator[str]:
    if key.lstrip("+ ").replace("_", "-") in _UNRENDERED:
        return
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _texts(one, str(name))
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value
