"""Progress of a run as lines in its log, for whoever follows the pod and may have missed the beginning.

A line begins with "::podbt " and goes on in compact JSON. One kind tells that a node started or ended, the other
repeats the state of all nodes, so that the last part of a rotated log is enough to know the truth.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field

from podbt.contract.exits import ExitReason
from podbt.contract.kinds import NodeStatus
from podbt.contract.model import Strict
from podbt.contract.record import shorten
from podbt.errors import ConfigError

PREFIX: Final = "::podbt "
_MESSAGE_CHARS = 500


class Mark(StrEnum):
    """The state of one node as one character."""

    UNKNOWN = "."
    """Not selected, or nothing is known of it yet."""
    WAITING = "w"
    RUNNING = "r"
    SUCCESS = "s"
    PASS = "p"  # noqa: S105 - a test's status
    WARN = "W"
    ERROR = "e"
    FAIL = "f"
    SKIPPED = "k"
    NO_OP = "n"

    @classmethod
    def of(cls, status: str) -> Self:
        """The mark of a dbt status; one that dbt adds some day counts as an error rather than as done."""
        return cls(_MARKS.get(status, cls.ERROR))

    @property
    def ended(self) -> bool:
        return self not in {Mark.UNKNOWN, Mark.WAITING, Mark.RUNNING}


_MARKS: Final[Mapping[str, Mark]] = {
    NodeStatus.STARTED: Mark.RUNNING,
    NodeStatus.SUCCESS: Mark.SUCCESS,
    NodeStatus.PASS: Mark.PASS,
    NodeStatus.WARN: Mark.WARN,
    NodeStatus.FAIL: Mark.FAIL,
    NodeStatus.SKIPPED: Mark.SKIPPED,
    NodeStatus.NO_OP: Mark.NO_OP,
}


class NodeEvent(Strict):
    """A node that started or ended. Short keys, since a run prints two of these lines a node."""

    k: Literal["node"] = "node"
    n: str
    """unique_id"""
    s: str
    """Its `NodeStatus`."""
    t: float | None = None
    """Seconds it took."""
    r: int | None = None
    """Rows its statement affected."""
    f: int | None = None
    """Rows that a test found."""
    m: str | None = None
    """What dbt says of it."""
    at: datetime

    @classmethod
    def of(
        cls, unique_id: str, status: str, *, at: datetime, seconds: float | None = None, rows: int | None = None,
        failures: int | None = None, message: str | None = None,
    ) -> Self:  # fmt: skip
        short = shorten(message, _MESSAGE_CHARS) if message else None
        return cls(n=unique_id, s=status, t=seconds, r=rows, f=failures, m=short or None, at=at)

    @property
    def mark(self) -> Mark:
        return Mark.of(self.s)


class Snapshot(Strict):
    """The state of every node of the plan at one moment."""

    k: Literal["all"] = "all"
    plan: str | None = None
    """Hash of the plan whose nodes are meant; None, with no marks, where the image has none."""
    s: Annotated[str, Field(pattern=r"^[.wrspWefkn]*$")]
    """One `Mark` a node, in the order of the plan's sorted unique_ids."""
    at: datetime
    end: ExitReason | None = None
    """Why the run ended; only in the last one."""


Event = NodeEvent | Snapshot


def encode(event: Event) -> str:
    """One line without its line end, in ASCII, so that no terminal or log shipper breaks it."""
    return PREFIX + json.dumps(event.model_dump(mode="json", exclude_none=True), separators=(",", ":"))


def decode(line: str) -> Event | None:
    """Reads a line of a pod's log.

    Returns:
        The event, or None for any other line: one of dbt's, or one that log rotation cut.
    """
    if not line.startswith(PREFIX):
        return None
    text = line[len(PREFIX) :]
    kind: type[Event] = Snapshot if text.startswith('{"k":"all"') else NodeEvent
    try:
        return kind.parse_json(text, source="event")
    except ConfigError:
        return None
