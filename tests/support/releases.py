"""Tests on another release of dbt (`make test-dbt`): which of them it cannot pass, and how it spells a project."""

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import yaml

RELEASE: Final = tuple(int(part) for part in version("dbt-core").split(".")[:2])

_FUNCTIONS: Final = "functions are nodes since dbt 1.11"
NEEDS: Final[dict[str, tuple[tuple[int, int], str]]] = {
    "tests/real/runner/dbt/test_functions.py": ((1, 11), _FUNCTIONS),
    "tests/real/runner/dbt/test_bake_selectors.py::test_a_function_is_a_node_like_any_other": ((1, 11), _FUNCTIONS),
}
"""The release that a test needs at least, and why: by the beginning of its id."""


def needed(nodeid: str) -> str | None:
    """Why this dbt cannot pass a test; None where it can."""
    for beginning, (release, why) in NEEDS.items():
        if nodeid.startswith(beginning) and release > RELEASE:
            return why
    return None


def spelled(projects: Path) -> Path:
    """A folder of projects as this dbt spells them: before 1.11 a generic test's arguments had no key of their own,
    and before 1.10 the freshness of a source stood beside its config.
    """
    if RELEASE >= (1, 11):
        return projects
    folder = Path(tempfile.mkdtemp(prefix="podbt-projects-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copytree(projects, folder, dirs_exist_ok=True)
    for file in folder.rglob("models/*.yml"):
        data = yaml.safe_load(file.read_text())
        for mapping in _mappings(data):
            mapping.update(mapping.pop("arguments", {}))
            if RELEASE < (1, 10) and "freshness" in mapping.get("config", ()):
                mapping.update(mapping.pop("config"))
        file.write_text(yaml.safe_dump(data))
    return folder


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _mappings(one)
