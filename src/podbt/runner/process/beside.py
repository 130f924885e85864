"""Work beside a run, for servers that the run does not depend on: nothing that they do or leave undone reaches it."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from queue import Empty, Full, Queue
from typing import Final, Generic, TypeVar

LATE_SECONDS: Final = 5.0
"""How long the end of a run may wait for what has not been sent yet."""
LATE_STOPPED_SECONDS: Final = 1.0
"""The same of a run that was told to stop, whose time is short."""
_MOST: Final = 10_000
"""How much may wait. A node has two pieces of a kilobyte at most, so they are ten megabytes."""
_IDLE_SECONDS: Final = 5.0

T = TypeVar("T")


class Beside(Generic[T]):
    """A thread that is given pieces of work, and never waited for but at the end."""

    def __init__(self, name: str, work: Callable[[Iterator[T | None]], str | None]) -> None:
        """Begins nothing, yet.

        Args:
            name: The thread's.
            work: Is given the pieces as they come, and None where none came for a while. Returns what went wrong.
        """
        self._name = name
        self._work = work
        self._queue: Queue[T | _End] = Queue(_MOST)
        self._thread: threading.Thread | None = None
        self._dropped = 0
        self._problem: str | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    @property
    def started(self) -> bool:
        return self._thread is not None

    def put(self, piece: T) -> None:
        """Takes a piece, or drops it where too much waits already. Returns at once."""
        if self._problem is not None:
            return
        try:
            self._queue.put_nowait(piece)
        except Full:
            self._dropped += 1

    def end(self, *, stopped: bool) -> str | None:
        """Waits a little for what is left. Returns what went wrong.

        Args:
            stopped: Whether the run was told to stop.
        """
        if self._thread is not None:
            with contextlib.suppress(Full):
                self._queue.put_nowait(_End())
            self._thread.join(LATE_STOPPED_SECONDS if stopped else LATE_SECONDS)
            if self._thread.is_alive():
                return self._problem or "its server takes too long"
        dropped = f"{self._dropped} pieces were too many to wait" if self._dropped else None
        return self._problem or dropped

    def _run(self) -> None:
        try:
            self._problem = self._work(self._pieces())
        except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on
            self._problem = f"{type(error).__name__}: {error}"

    def _pieces(self) -> Iterator[T | None]:
        while True:
            try:
                piece = self._queue.get(timeout=_IDLE_SECONDS)
            except Empty:
                yield None
                continue
            if isinstance(piece, _End):
                return
            yield piece


class _End:
    """The last piece."""
