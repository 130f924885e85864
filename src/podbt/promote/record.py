"""The record of a stage's promotions: a file of JSON lines that only ever grows.

Each line names the one before by its hash, so that what was changed later shows.
"""

import hashlib
import os
from datetime import datetime
from pathlib import Path

from pydantic import Field

from podbt.contract.model import Strict
from podbt.errors import ConfigError
from podbt.promote.statements import Action, Digest, Outcome


class Entry(Strict):
    """One promotion that has ended."""

    id: str
    at: datetime
    by: str
    stage: str
    action: Action
    outcome: Outcome
    digest: Digest
    previous: str = ""
    """The digest that ran before; empty for the first."""
    source: str = Field(default="", description="the repository that it came from")
    revision: str
    plan_hash: str
    tests: str = ""
    message: str = ""
    """Why it failed."""
    before: str = ""
    """The hash of the line before; empty for the first."""


def read(file: Path) -> list[Entry]:
    """All entries, the oldest first; without a last line that is only half there.

    Raises:
        ConfigError: A line is none, or was changed, removed or put between.
    """
    entries, before = [], ""
    for number, line in enumerate(_lines(file), start=1):
        entry = Entry.parse_json(line, source=f"{file}:{number}")
        if entry.before != before:
            raise ConfigError(
                f"{file}:{number} does not follow the line before it: a line was changed or removed. Bring the file "
                "back from version control."
            )
        entries.append(entry)
        before = _hash(line)
    return entries


def append(file: Path, entry: Entry) -> None:
    """Adds an entry, unless the last one is of the same promotion already."""
    entries = read(file)
    if entries and entries[-1].id == entry.id:
        return
    lines = _lines(file)
    whole = sum(len(line) + 1 for line in lines)
    sealed = entry.model_copy(update={"before": _hash(lines[-1]) if lines else ""})
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        os.ftruncate(descriptor, whole)  # half a line of one that died
        os.lseek(descriptor, 0, os.SEEK_END)
        os.write(descriptor, sealed.model_dump_json(exclude_defaults=True).encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def running(entries: list[Entry]) -> Entry | None:
    """The entry of what runs: the last that did not fail."""
    return next((entry for entry in reversed(entries) if entry.outcome is Outcome.PASSED), None)


def earlier(entries: list[Entry]) -> Entry | None:
    """The entry of what ran before that: another digest."""
    now = running(entries)
    passed = (entry for entry in reversed(entries) if entry.outcome is Outcome.PASSED)
    return next((entry for entry in passed if now and entry.digest != now.digest), None)


def _lines(file: Path) -> list[bytes]:
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error.strerror}).") from None
    return text.split(b"\n")[:-1]


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
