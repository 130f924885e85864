"""What telemetry tells of a run, whatever sends it."""

from dataclasses import dataclass, field
from datetime import datetime

from podbt.contract.record import NodeRecord, Summary


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A part of a run that is no node.

    Attributes:
        name: One of "queue", "pod start", "parse".
    """

    name: str
    began: datetime
    ended: datetime


@dataclass(frozen=True, kw_only=True)
class End:
    """How a run ended, and when."""

    at: datetime
    summary: Summary


@dataclass(frozen=True, kw_only=True)
class Run:
    """What is known of a run from its beginning.

    Attributes:
        attributes: Of its span. Ids of single runs are in no metric.
    """

    command: str
    target: str
    began: datetime
    attributes: dict[str, str | int] = field(default_factory=dict)


Fact = Phase | NodeRecord | End
