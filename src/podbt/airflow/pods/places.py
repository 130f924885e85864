"""How a group's tasks name nodes in their arguments, and where each has its mark in what a pod tells."""

import hashlib
from collections.abc import Mapping
from typing import Final

KEY_CHARS: Final = 10


def key_of(unique_id: str) -> str:
    """A node's short name in a task's arguments, which travel with every trigger: tests have long unique_ids."""
    return hashlib.sha256(unique_id.encode()).hexdigest()[:KEY_CHARS]


def packed(places: Mapping[str, int]) -> str:
    """Places by key as one text: a task's arguments travel with every trigger of its DAG, and a text is cheap."""
    return " ".join(f"{key}:{index}" for key, index in places.items())


def unpacked(text: str) -> dict[str, int]:
    """The opposite of `packed`."""
    return {key: int(index) for key, _, index in (word.partition(":") for word in text.split())}
