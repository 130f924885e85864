"""Where the lines of a journal go."""

import os
from pathlib import Path
from typing import Protocol


class Sink(Protocol):
    """Takes whole lines. What was written is kept when the process is killed right after."""

    def write(self, lines: bytes) -> None:
        """Appends lines, each with its line end. Raises OSError where that cannot be done."""

    def close(self) -> None:
        """Makes the lines survive the machine, too. Raises OSError where that cannot be done."""


class FileSink:
    """Appends to a file, unbuffered."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(self, lines: bytes) -> None:
        self._file.write(lines)

    def close(self) -> None:
        try:
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
