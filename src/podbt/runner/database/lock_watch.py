"""Keeps a run's locks while its nodes run: notices that the server dropped them, and takes them again.

A server that restarts, fails over or ends the session forgets the locks, and a run that waits for them may begin at
once. What was dropped is therefore taken again as soon as the server answers. Where another run was quicker, this one
is stopped: two writers of one table are what the locks are there to prevent, and a retry resumes behind the other.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from podbt.runner.database.lock import Session

_LOOK_SECONDS: Final = 0.5
_ASK_SECONDS: Final = 30.0
"""How often to ask a server that says nothing: it may be gone without a word."""
_AGAIN_SECONDS: Final = 1.0
_ATTEMPTS: Final = 4
"""A run that waits takes what is free for a moment, and gives it back where it cannot have all."""


class LockWatch:
    """Watches one session in a thread of its own.

    Attributes:
        session: What holds the locks now.
        taken: Who took a lock while it was dropped, and which.
    """

    def __init__(
        self, session: Session, *, reopen: Callable[[], Session], warn: Callable[[str], None],
        stop: Callable[[], None], stopping: Callable[[], bool],
    ) -> None:  # fmt: skip
        """Begins to watch.

        Args:
            session: What holds the locks.
            reopen: Connects once more, for the same locks.
            warn: Tells of what happened.
            stop: Stops the run.
            stopping: Whether the run was told to stop, which ends all its sessions.
        """
        self.session = session
        self.taken: str | None = None
        self._reopen = reopen
        self._warn = warn
        self._stop = stop
        self._stopping = stopping
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="podbt-locks", daemon=True)
        self._thread.start()

    def end(self, patience_seconds: float = 5.0) -> bool:
        """Ends the watch.

        Returns:
            Whether all is held to the last; the session is closed then.
        """
        self._ended.set()
        self._thread.join(patience_seconds)
        whole = not self._thread.is_alive() and self.taken is None and self.session.intact()
        self.session.close()
        return whole

    def _run(self) -> None:
        asked = time.monotonic()
        while not self._ended.is_set():
            spoke = self.session.wait(_LOOK_SECONDS)
            if not spoke and time.monotonic() - asked < _ASK_SECONDS:
                continue
            asked = time.monotonic()
            if self.session.intact():
                continue
            if not self._take_again():
                return

    def _take_again(self) -> bool:
        """Returns whether all is held again."""
        began, dropped = time.monotonic(), self.session
        dropped.close()
        while not self._ended.is_set() and not self._stopping():
            try:
                holder = self._attempt(dropped)
            except Exception:  # noqa: BLE001 - whatever it is, the server does not answer yet
                self._ended.wait(_AGAIN_SECONDS)
                continue
            if holder is None:
                self._warn(
                    "the connection that held the locks was lost, and they were taken again after "
                    f"{time.monotonic() - began:.1f} s; in between another run may have written these tables"
                )
                return True
            self.taken = holder
            self._warn(f"the connection that held the locks was lost, and they are now held by {holder}: stopping")
            self._stop()
            return False
        return False

    def _attempt(self, dropped: Session) -> str | None:
        session = self._reopen()
        try:
            session.replace(dropped)
            for _ in range(_ATTEMPTS):
                holder = session.attempt()
                if holder is None:
                    self.session = session
                    return None
                time.sleep(_LOOK_SECONDS)
        except BaseException:
            session.close()
            raise
        session.close()
        return holder
