"""Pointers: small files that name the last run of a kind. They move forward only, whoever writes them when."""

import json
from datetime import datetime
from typing import TypeVar

from podbt.contract import layout
from podbt.contract.state import Pointer
from podbt.store.store import Store

Named = TypeVar("Named", bound=Pointer)


def read_pointer(kind: type[Named], store: Store, target: str, name: str) -> Named | None:
    """Reads a pointer of a target.

    Args:
        kind: What it holds.
        store: The artifact store.
        target: dbt's target.
        name: One of the pointers' names in `podbt.contract.layout`.

    Returns:
        The pointer, or None where the target has none.

    Raises:
        ConfigError: The file is not what podbt writes.
    """
    path = layout.target_pointer(target, name)
    try:
        content = store.read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return kind.parse_json(content, source=path)


def advance(store: Store, path: str, content: bytes, finished_at: datetime) -> bool:
    """Points to a run unless the pointer names one that finished later.

    Args:
        store: The artifact store.
        path: The pointer's file: JSON with the key finished_at.
        content: What it is to hold.
        finished_at: When the new run finished.

    Returns:
        Whether it moved.
    """

    def decide(current: bytes | None) -> bytes | None:
        present = _finished_at(current) if current else None
        return content if present is None or present <= finished_at else None

    return store.exchange(path, decide)


def _finished_at(content: bytes) -> datetime | None:
    """None where the file is not a pointer: it is then replaced by one."""
    try:
        return datetime.fromisoformat(json.loads(content)["finished_at"])
    except (ValueError, KeyError, TypeError):
        return None
