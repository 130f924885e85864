"""One promotion of a stage at a time, on this machine; and what it was about to do, for the next one if it dies."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from podbt.contract.model import Strict
from podbt.errors import PromotionError
from podbt.promote import values
from podbt.promote.statements import Action, Digest

_POLL_SECONDS: Final = 0.2


def prepare(folder: Path) -> None:
    """Makes the folder of a machine's own state, which no commit takes along."""
    folder.mkdir(exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        values.write(ignore, "*\n")


@contextmanager
def held(folder: Path, stage: str, doing: str, *, wait_seconds: float) -> Iterator[int]:
    """Holds a stage's lock; yields its descriptor.

    Programs that inherit the descriptor hold the lock, too: a helm that outlives a killed promotion keeps the next one
    out until it ends.

    Raises:
        PromotionError: Somebody else holds it, and still does after the time to wait.
    """
    file = folder / f"{stage}.lock"
    with file.open("a+") as lock:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    lock.seek(0)
                    raise PromotionError(
                        f"Another promotion of stage {stage} is under way ({lock.read().strip() or 'it just began'}): "
                        "wait for it, with --wait SECONDS, or end it."
                    ) from None
                time.sleep(_POLL_SECONDS)
        lock.truncate(0)
        lock.write(f"process {os.getpid()}: {doing}")
        lock.flush()
        try:
            yield lock.fileno()
        finally:
            lock.truncate(0)


class Journal(Strict):
    """A promotion that has begun and not ended."""

    id: str
    action: Action
    digest: Digest
    previous: str
    """The digest that ran before."""
    at: datetime

    @classmethod
    def read(cls, folder: Path, stage: str) -> Self | None:
        """What a promotion that died left; None after one that ended."""
        try:
            text = (folder / f"{stage}.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        return cls.parse_json(text, source=str(folder / f"{stage}.json"))

    def write(self, folder: Path, stage: str) -> None:
        values.write(folder / f"{stage}.json", json.dumps(self.model_dump(mode="json")) + "\n")

    @staticmethod
    def remove(folder: Path, stage: str) -> None:
        (folder / f"{stage}.json").unlink(missing_ok=True)
