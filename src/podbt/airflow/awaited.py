"""Values that a DAG file takes from other tasks: XComArgs, and the arguments of a mapped task group.

Only a worker can resolve them, so a task that has one starts there.
"""

import os
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any


def awaits(value: Any) -> bool:
    """Whether a value holds, at any depth, one that is known only in a run."""
    if isinstance(value, Mapping):
        return any(map(awaits, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(awaits, value))
    # As Airflow's own templates tell it; a path has such a method, too.
    return callable(getattr(value, "resolve", None)) and not isinstance(value, os.PathLike)


def plain(value: Any) -> Any:
    """A resolved value as plain data, for a trigger's arguments: what a mapped task left comes as a lazy sequence."""
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, Sequence | AbstractSet) and not isinstance(value, str | bytes):
        return [plain(one) for one in value]
    return value


def holds_templates(value: Any) -> bool:
    """Whether Jinja would find anything to render in it."""
    text = repr(value)
    return any(mark in text for mark in ("{{", "{%", "{#"))
