"""A run that is not published, read from the store while somebody looks at it: once for all who do."""

import threading
import time
from dataclasses import dataclass, field
from typing import Final

from podbt import constants
from podbt.contract.journal import Alive, fold
from podbt.contract.record import NodeRecord
from podbt.errors import ConfigError
from podbt.store.alive import read_alive
from podbt.store.failures import store_errors
from podbt.store.store import Store

_KEPT_SECONDS: Final = 2.0
_KEPT: Final = 50


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a run had told when it was looked at."""

    alive: Alive
    nodes: list[NodeRecord]


@dataclass
class Live:
    """Reads runs that last."""

    _seen: dict[str, tuple[float, Seen]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, store: Store, folder: str) -> Seen | None:
        """What a run has told.

        Args:
            store: The artifact store.
            folder: Where the run writes.

        Returns:
            None where it told nothing yet. Where it is being published, and its folder gone, what was seen last.
        """
        with self._lock:
            at, known = self._seen.get(folder, (0.0, None))
            if known is not None and time.monotonic() - at < _KEPT_SECONDS:
                return known
            seen = _read(store, folder) or known
            if seen is not None:
                self._seen[folder] = (time.monotonic(), seen)
                while len(self._seen) > _KEPT:
                    self._seen.pop(next(iter(self._seen)))
            return seen


def _read(store: Store, folder: str) -> Seen | None:
    try:
        alive = read_alive(store, folder)
        if alive is None:
            return None
        nodes = fold(store.read_lines(folder), source=constants.NODES_FILE)
    except ConfigError:
        return None
    except store_errors():
        return None
    return Seen(alive=alive, nodes=nodes)
