"""Brings a journal's lines to the store beside dbt: a slow store slows nothing, and memory stays bounded.

Lines go to a local file first, which is never slow, and a thread carries what is new there to the store: appended to
nodes.jsonl on a volume, as small objects nodes/000001.jsonl, … in a bucket, where nothing can be appended. What the
thread has carried survives the process, the pod and the node.
"""

import os
import threading
import time
from pathlib import Path
from typing import Protocol

from podbt.store.failures import store_errors
from podbt.store.store import Lines
from podbt.store.volume import write_all

_RETRY_SECONDS, _CLOSING_RETRY_SECONDS = 2.0, 0.2
_CHUNK_BYTES = 1 << 20
_CLOSE_SECONDS = 10.0


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


class StoreSink:
    """A journal's sink. What was written is in the store within about a second while the store answers."""

    def __init__(
        self,
        target: Lines,
        local: Path,
        *,
        patience_seconds: float = _CLOSE_SECONDS,
    ) -> None:
        """Starts the thread.

        Args:
            target: Where they go in the store.
            local: A file beside the process that keeps all lines.
            patience_seconds: How long close waits for the last lines.
        """
        local.parent.mkdir(parents=True, exist_ok=True)
        self._local = local.open("ab", buffering=0)
        self._reader = local.open("rb", buffering=0)
        self._reader.seek(0, os.SEEK_END)
        self._target = target
        self._patience = patience_seconds
        self._news = threading.Event()
        self._closing = threading.Event()
        self.failure: BaseException | None = None
        """What the last delivery failed with; None once one succeeds again."""
        self._thread = threading.Thread(target=self._run, name="podbt-journal", daemon=True)
        self._thread.start()

    def write(self, lines: bytes) -> None:
        """Takes whole lines. Raises OSError where even the local file cannot."""
        write_all(self._local.fileno(), lines)
        self._news.set()

    def close(self) -> None:
        """Gives the last lines some time to arrive. What does not is published with the run, from the local file."""
        self._closing.set()
        self._news.set()
        self._thread.join(self._patience + 1)
        self._local.close()

    def _run(self) -> None:
        try:
            self._carry()
        finally:
            self._reader.close()
            self._target.close()

    def _carry(self) -> None:
        pending = b""
        deadline: float | None = None
        while True:
            closing = self._closing.is_set()
            self._news.clear()
            pending = pending or self._next()
            if pending:
                try:
                    self._target.deliver(pending)
                    pending, self.failure = b"", None
                except store_errors() as error:
                    self.failure = error
            if closing:
                deadline = deadline or time.monotonic() + self._patience
                pending = pending or self._next()
                if not pending or time.monotonic() > deadline:
                    return
            if self.failure is not None:
                time.sleep(_CLOSING_RETRY_SECONDS) if closing else self._closing.wait(_RETRY_SECONDS)
            elif not closing and not self._reader_is_behind():
                self._news.wait()
                self._closing.wait(self._target.pause_seconds)

    def _reader_is_behind(self) -> bool:
        return os.fstat(self._reader.fileno()).st_size - self._reader.tell() >= _CHUNK_BYTES

    def _next(self) -> bytes:
        """What the local file has and the store does not, up to the last whole line of a bounded part."""
        start = self._reader.tell()
        chunk = self._reader.read(_CHUNK_BYTES)
        end = chunk.rfind(b"\n") + 1
        if not end and len(chunk) == _CHUNK_BYTES:  # a line longer than that: in parts, which a reader joins
            end = len(chunk)
        self._reader.seek(start + end)
        return chunk[:end]
