"""Says what is being done, and how long it took. Phases may overlap: every line is whole and names its phase."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@dataclass
class Console:
    """The driver's output, with the time since it started before every line."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    clock: Callable[[], float] = time.monotonic
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._started = self.clock()
        self._lock = threading.Lock()

    def elapsed(self) -> float:
        return self.clock() - self._started

    def plain(self, text: str = "") -> None:
        with self._lock:
            print(text, file=self.out, flush=True)

    def say(self, name: str, text: str) -> None:
        minutes, seconds = divmod(int(self.elapsed()), 60)
        self.plain(f"[{minutes:02d}:{seconds:02d}] {name:<13} {text}")

    @contextmanager
    def phase(self, name: str, doing: str) -> Iterator[Phase]:
        """Print what the phase does and, at its end, its seconds and its result."""
        started = self.clock()
        self.say(name, doing)
        phase = Phase(console=self, name=name)
        yield phase
        took = self.clock() - started
        self.seconds[name] = took
        self.say(name, f"{phase.result} ({took:.1f} s)")

    def summary(self) -> None:
        """Print every phase's seconds in one line."""
        parts = ", ".join(f"{name} {took:.0f}" for name, took in self.seconds.items())
        self.plain(f"seconds by phase (some overlap): {parts}; in all {self.elapsed():.0f}")


@dataclass
class Phase:
    """One phase under way; `result` is what its last line says."""

    console: Console
    name: str
    result: str = "done"

    def note(self, text: str) -> None:
        self.console.say(self.name, text)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows as columns of equal width; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
