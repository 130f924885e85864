"""Names for tasks and task groups, as Airflow takes them: of word characters and dashes, and each once."""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Final

OWN_TASKS: Final = ("start", "pod", "tests", "assets", "finish")
"""Names of a group's tasks that are no members."""

_JOINS: Final = frozenset({"upstream_join_id", "downstream_join_id"})
"""Airflow's own names in every group."""

TAKEN: Final = _JOINS.union(OWN_TASKS)
"""Names that no member can have."""

_UNFIT: Final = re.compile(r"[^\w-]+")
_DIGEST_CHARS: Final = 6


def fit(name: str) -> str:
    """A name with all that Airflow refuses replaced."""
    return _UNFIT.sub("_", name)


def labels(names: Mapping[str, str]) -> dict[str, str]:
    """A name for each of these nodes that no other has: its own, else all of its unique_id, else with a hash of that.

    Args:
        names: The nodes' own names by unique_id.
    """
    short = {key: fit(name) for key, name in names.items()}
    once = _unique(short.values())
    long = {key: fit(key) for key in short}
    # Two packages may use one name, and a version of one model may read like another model's name.
    unique = {key: name if name in once else long[key] for key, name in short.items()}
    once = _unique(unique.values())
    return {key: name if name in once else f"{name}_{_digest(key)}" for key, name in unique.items()}


def _unique(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name for name, count in Counter(names).items() if count == 1) - TAKEN


Folder = tuple[str, ...]
"""A path, part by part."""


def folder_names(tasks: Iterable[tuple[Folder, str]], *, prefixed: bool, taken: Collection[str]) -> dict[Folder, str]:
    """A name for each folder, also for those that hold only folders.

    Args:
        tasks: Of each task the folder that it lies in, and its name.
        prefixed: Whether a name has to be unique in its folder alone, since ids begin with the folder's.
        taken: Names that stand for something else in the whole group.
    """
    tasks = list(tasks)
    used: dict[Folder, set[str]] = {(): {*TAKEN, *taken}}

    def beside(folder: Folder) -> set[str]:
        return used.setdefault(folder if prefixed else (), set(_JOINS))

    for folder, name in tasks:
        beside(folder).add(name)
    found: dict[Folder, str] = {}
    for path in sorted({folder[:depth] for folder, _ in tasks for depth in range(1, len(folder) + 1)}):
        name, number, others = fit(path[-1]), 1, beside(path[:-1])
        while name in others:
            number += 1
            name = f"{fit(path[-1])}_{number}"
        others.add(name)
        found[path] = name
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARS]
