"""Work for other servers that nobody waits for: a triggerer runs thousands of triggers on one loop."""

import atexit
import logging
import threading
import time
from collections.abc import Callable
from queue import Full, Queue
from typing import Final

_MOST: Final = 2000
"""How much may wait. A task has two pieces of work."""
_LAST_SECONDS: Final = 5.0
"""How long a process that ends waits for what is left."""

_log = logging.getLogger(__name__)


class Outbox:
    """Does one piece of work after the other, in a thread of its own that begins with the first."""

    def __init__(self, most: int = _MOST) -> None:
        self._queue: Queue[Callable[[], None]] = Queue(most)
        self._most = most
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._full = False

    def put(self, work: Callable[[], None]) -> None:
        """Takes work, or drops it where too much waits already. Returns at once, and never raises."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="podbt-outbox", daemon=True)
                self._thread.start()
                atexit.register(self.flush, _LAST_SECONDS)
        try:
            self._queue.put_nowait(work)
        except Full:
            if not self._full:  # once, until there is room again
                _log.warning("Lineage of tasks is dropped: its server does not keep up with %d events", self._most)
            self._full = True
        else:
            self._full = False

    def flush(self, seconds: float) -> bool:
        """Waits until all that was put is done. Returns whether it is."""
        done, end = threading.Event(), time.monotonic() + seconds
        try:
            self._queue.put(done.set, timeout=seconds)
        except Full:
            return False
        return done.wait(max(0.0, end - time.monotonic()))

    def _run(self) -> None:
        while True:
            work = self._queue.get()
            try:
                work()
            except Exception as error:  # noqa: BLE001 - the next one may do better
                _log.warning(
                    "Lineage of a task is lost: %s", type(error).__name__, exc_info=_log.isEnabledFor(logging.DEBUG)
                )
