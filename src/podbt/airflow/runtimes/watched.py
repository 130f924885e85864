"""What watching a container and watching a process have in common: log, deadline, grace, and the verdict."""

import queue
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from podbt.contract.exits import ExitReason
from podbt.contract.outcome import OUT_OF_MEMORY, TOOK_TOO_LONG, Outcome, failure, own_word, unexplained
from podbt.contract.settings.common import WorkerSettings

_TICK_SECONDS: Final = 0.5
_LOG_END_SECONDS: Final = 10.0


@dataclass(frozen=True, kw_only=True)
class End:
    """How a container or process ended.

    Attributes:
        code: Its exit code; negative for a signal.
        why: The word of whoever ran it, where there is one.
        out_of_memory: Whether the kernel ended it for that.
    """

    code: int
    why: str = ""
    out_of_memory: bool = False


class WatchedRun(ABC):
    """Starts something, copies its log into the task's, and holds it to its deadline.

    Everything that talks to the log or to what runs happens in the thread that called `execute`; a signal handler only
    sets a flag, since it may interrupt this thread anywhere.
    """

    what = "process"

    def __init__(self, settings: WorkerSettings, log: Any, on_line: Callable[[str], bool] | None) -> None:
        self._run_seconds = settings.run_timeout_seconds
        self._grace_seconds = settings.termination_grace_seconds
        self._log = log
        self._on_line = on_line or (lambda _: False)
        self._stopping = False
        self._asked: float | None = None
        self._killed = False

    def stop(self) -> None:
        """Leaves word to stop; the watching thread acts on it within half a second."""
        self._stopping = True

    def execute(self) -> Outcome:
        """Runs it to its end; whatever happens here, nothing is left running."""
        ended = False
        try:
            self.start()
            lines = self._reading()
            end, late = self._watch(lines)
            ended = True
            self._drain(lines)
            return self._verdict(end, late=late)
        finally:
            self.clean_up(ended=ended)

    @abstractmethod
    def start(self) -> None:
        """Starts it, or attaches to it where it runs already."""

    @abstractmethod
    def lines(self) -> Iterator[str]:
        """Its output, line by line, until it ends. Read in a thread of its own."""

    @abstractmethod
    def poll(self) -> End | None:
        """How it ended, or None while it runs."""

    @abstractmethod
    def ask(self) -> None:
        """Tells it to end: SIGTERM."""

    @abstractmethod
    def kill(self) -> None:
        """Ends it: SIGKILL."""

    @abstractmethod
    def message(self) -> str:
        """What the runner left as its termination message; empty where it left none."""

    @abstractmethod
    def clean_up(self, *, ended: bool) -> None:
        """Takes away what the run needed; where it has not ended, ends it first."""

    def _watch(self, lines: "queue.SimpleQueue[str | None]") -> tuple[End, bool]:
        began, late = time.monotonic(), False
        while True:
            self._copy(lines)
            if (end := self.poll()) is not None:
                return end, late
            now = time.monotonic()
            if self._asked is None and (self._stopping or now - began > self._run_seconds):
                late = not self._stopping
                self._log.warning(
                    "%s; dbt gets %s s to cancel its queries",
                    TOOK_TOO_LONG if late else "The worker was told to stop",
                    self._grace_seconds,
                )
                self._asked = now
                self.ask()
            elif self._asked is not None and not self._killed and now - self._asked > self._grace_seconds:
                self._killed = True
                self.kill()

    def _copy(self, lines: "queue.SimpleQueue[str | None]") -> None:
        """Copies what there is, waiting for it for one tick."""
        deadline = time.monotonic() + _TICK_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = lines.get(timeout=left)
            except queue.Empty:
                return
            if line is None:
                lines.put(None)  # for whoever looks next
                time.sleep(min(left, 0.05))
                return
            self._tell(line)

    def _tell(self, line: str) -> None:
        if not self._on_line(line):
            self._log.info("%s", line)

    def _drain(self, lines: "queue.SimpleQueue[str | None]") -> None:
        deadline = time.monotonic() + _LOG_END_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = lines.get(timeout=left)
            except queue.Empty:
                return
            if line is None:
                return
            self._tell(line)

    def _reading(self) -> "queue.SimpleQueue[str | None]":
        found: queue.SimpleQueue[str | None] = queue.SimpleQueue()

        def read() -> None:
            try:
                for line in self.lines():
                    found.put(line)
            finally:
                found.put(None)

        threading.Thread(target=read, name="podbt-log", daemon=True).start()
        return found

    def _verdict(self, end: End, *, late: bool) -> Outcome:
        if end.out_of_memory:
            return failure(ExitReason.LOST, OUT_OF_MEMORY)
        if late:
            return failure(ExitReason.LOST, TOOK_TOO_LONG)
        said = self.message()
        return own_word(end.code, said) or unexplained(end.code, end.why, said, what=self.what)
