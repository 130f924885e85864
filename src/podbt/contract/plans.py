"""The plans that Airflow has: a file with one, or a folder with those of the images that ran last.

A promotion changes the settings at once and the plan a moment later, when the new image has told it. Until Airflow has
read its DAG files again, they are made from the plan before. So the folder says which plan is which image's, and keeps
a few of both.
"""

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from podbt.contract.model import Strict, describe
from podbt.contract.plan import Plan, load_plan
from podbt.errors import ConfigError

INDEX: Final = "plans.json"
MANIFEST: Final = "manifest.json.gz"
"""The newest image's manifest, beside the plans; without what Cosmos does not read."""
_LOOKS: Final = 3


class Entry(Strict):
    """One image and its plan."""

    image: str
    hash: str
    file: str
    """Its name in the folder: JSON, by gzip where it ends in .gz."""


_ENTRIES: Final = TypeAdapter(list[Entry])


def is_folder(path: str) -> bool:
    """Whether a settings' `plan` is a folder of plans."""
    return Path(path).is_dir()


def plan_of(path: str, image: str | None) -> Plan | None:
    """The plan of an image.

    Args:
        path: What the settings' `plan` says. A file is the plan of whatever image the settings name.
        image: The image, as the settings name it.

    Returns:
        The plan; None where the folder does not know that image, or not yet.

    Raises:
        ConfigError: A file of it cannot be read.
    """
    return load_plan(path) if not is_folder(path) else _found(path, lambda entry: entry.image == image)


def latest_plan(path: str, image: str | None) -> Plan | None:
    """The plan of an image, or else the newest that there is; None where there is none at all."""
    return plan_of(path, image) or (_found(path, lambda _: True) if is_folder(path) else None)


def plan_with(path: str, plan_hash: str) -> Plan | None:
    """The plan that has a hash; None where the folder does not know it any more, and for a file."""
    return _found(path, lambda entry: entry.hash == plan_hash) if is_folder(path) else None


def image_with(path: str, plan_hash: str) -> str | None:
    """The newest image that has the plan of this hash; None where none is known, and for a file."""
    if not is_folder(path):
        return None
    return next((entry.image for entry in _newest_first(path) if entry.hash == plan_hash), None)


def _found(path: str, wanted: Callable[[Entry], bool]) -> Plan | None:
    for look in range(_LOOKS):
        entry = next(filter(wanted, _newest_first(path)), None)
        if entry is None:
            return None
        file = Path(path, entry.file)
        if file.exists() or look == _LOOKS - 1:  # else the folder was replaced between the two looks
            return load_plan(file)
    raise AssertionError("the last look returns")


def _newest_first(path: str) -> list[Entry]:
    file = Path(path, INDEX)
    try:
        return _read(file, file.stat().st_mtime_ns)
    except FileNotFoundError:
        return []  # nobody has told a plan yet


@lru_cache(maxsize=8)
def _read(file: Path, _modified: int) -> list[Entry]:
    try:
        return list(reversed(_ENTRIES.validate_json(file.read_bytes())))
    except ValidationError as error:
        raise ConfigError(f"'{file}': {describe(error)}") from None


def index_text(entries: list[Entry]) -> str:
    """The index as a file; the newest entry comes last."""
    return json.dumps([entry.model_dump() for entry in entries])
