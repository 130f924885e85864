"""alive.json: says what a run is while it lasts, and that it still lasts."""

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from podbt import constants
from podbt.contract.journal import Alive
from podbt.contract.record import RunStart
from podbt.errors import ArtifactError, ConfigError
from podbt.store.store import Store, TakenError

BEAT_SECONDS: Final = 5.0
_SILENCE_SECONDS: Final = 3 * BEAT_SECONDS
_CERTAIN_SECONDS: Final = 120.0
"""A run that was last heard of longer ago is gone even where two machines' clocks differ somewhat."""


class Heartbeat:
    """Rewrites alive.json every few seconds, and does what else is to be done that often."""

    def __init__(
        self, start: RunStart, write: Callable[[bytes], None] | None, *, lost: Callable[[], None],
        also: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """Prepares.

        Args:
            start: What the run is.
            write: Replaces alive.json, or raises ArtifactError; None where there is no store.
            lost: Called once when somebody has taken this run for dead and published what it had.
            also: Called with each beat.
        """
        self._start = start
        self._write = write
        self._lost = lost
        self._also = also
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="podbt-heartbeat", daemon=True)
        self._beat = 0

    def start(self) -> None:
        """Writes the file for the first time; from then on in the background.

        Raises:
            ArtifactError: The store does not take it.
        """
        self._tell()
        self._thread.start()

    def update(self, start: RunStart) -> None:
        """Tells more of the run. What the store does not take now, it gets with the next beat."""
        self._start = start
        with contextlib.suppress(ArtifactError):
            self._tell()

    def stop(self) -> None:
        """Returns once the file is no longer written."""
        self._ended.set()
        self._thread.join(timeout=BEAT_SECONDS)

    def _run(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            with contextlib.suppress(OSError):  # say a console that is closed: the run still lasts
                self._also()
            try:
                self._tell()
            except TakenError:
                self._lost()
                return
            except ArtifactError:  # full or unreachable for a while
                continue

    def _tell(self) -> None:
        if self._write is not None:
            self._beat += 1
            alive = Alive(start=self._start, beat=self._beat, at=datetime.now(UTC))
            self._write(alive.model_dump_json(exclude_none=True).encode())


def read_alive(store: Store, folder: str) -> Alive | None:
    """What alive.json in a folder says; None where there is none, or none that can be read."""
    try:
        return Alive.parse_json(store.read(f"{folder}/{constants.ALIVE_FILE}"), source=constants.ALIVE_FILE)
    except (OSError, ConfigError):
        return None


def is_alive(
    store: Store,
    folder: str,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Whether the run that writes to a `.partial` folder still lasts; takes up to 15 seconds where that is open.

    A recent beat proves little by itself, since the clocks of two machines differ, and neither does one from the near
    future; another beat while one waits proves it.
    """
    first = read_alive(store, folder)
    if first is not None and (now() - first.at).total_seconds() > _CERTAIN_SECONDS:
        return False
    waited = 0.0
    while waited < _SILENCE_SECONDS:
        sleep(1.0)
        waited += 1.0
        current = read_alive(store, folder)
        if current is None and not store.has_folder(folder):
            return False
        if current is not None and (first is None or current.beat != first.beat):
            return True
    return False
