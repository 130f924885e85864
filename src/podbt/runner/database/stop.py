"""What happens between SIGTERM and SIGKILL."""

import threading
import time
from typing import Protocol

from podbt.runner.database.sessions import Sessions
from podbt.runner.process.interrupts import Interrupts

_PAUSE_SECONDS = 0.5
# Parts of the grace period. What is left after the last is for publishing.
_TERMINATE = 0.03
_AGAIN = 0.35
_GIVE_UP = 0.6
# By then the process is gone, whatever holds it up: a store or a console that does not come back, a lock, an exit.
_LAST = 0.95


class Ending(Protocol):
    """Ends the process without the main thread."""

    def give_up(self) -> None:
        """Publishes in its place, which did not come back."""

    def exit_now(self) -> None:
        """Does nothing that could be held up."""


class Stopper:
    """Cancels, then terminates what runs in the database, and sees to it that the process ends in time.

    It runs beside the main thread, which may itself wait for the database, and which stops as dbt stops: it cancels,
    waits for its workers and writes what it has.
    """

    def __init__(self, interrupts: Interrupts, sessions: Sessions, ending: Ending, *, grace_seconds: float) -> None:
        """Prepares.

        Args:
            interrupts: Tells when to begin.
            sessions: What to end.
            ending: Ends the process where the main thread does not.
            grace_seconds: Time between SIGTERM and SIGKILL.
        """
        self._interrupts = interrupts
        self._sessions = sessions
        self._grace_seconds = grace_seconds
        self._ending = ending
        self._ended = threading.Event()

    def start(self) -> None:
        self._interrupts.watch(self._stop)

    def end(self) -> None:
        """The main thread is back: no query is begun any more. Returns once the sessions are gone."""
        self._ended.set()
        if self._interrupts.requested:
            self._sessions.refuse()
            self._sessions.terminate(everything=True, patience_seconds=self._grace_seconds * _TERMINATE + 2)

    def _stop(self) -> None:
        began, again = time.monotonic(), False
        timer = threading.Timer(self._grace_seconds * _LAST, self._ending.exit_now)
        timer.daemon = True
        timer.start()
        self._sessions.refuse()
        while not self._ended.is_set():
            passed = (time.monotonic() - began) / self._grace_seconds
            # In a thread: a server that does not answer must not hold up what follows.
            work = self._sessions.cancel if passed < _TERMINATE else self._end_sessions
            threading.Thread(target=work, name="podbt-cancel", daemon=True).start()
            if passed >= _AGAIN and not again:
                again = True
                self._sessions.cut()
                self._interrupts.raise_again()
            if passed >= _GIVE_UP:
                self._ending.give_up()
                return
            self._ended.wait(_PAUSE_SECONDS)

    def _end_sessions(self) -> None:
        self._sessions.cancel()
        self._sessions.terminate()
