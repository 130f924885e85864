"""What one pod of a group has told so far about each of its nodes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from podbt.airflow.pods.places import key_of
from podbt.contract.born import born_at
from podbt.contract.events import Mark, NodeEvent, Snapshot, decode
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import TABLES, type_of
from podbt.contract.record import Summary

_SECOND: Final = timedelta(seconds=1)
_MAX_SAID: Final = 50


def born(task_instance_id: Any) -> datetime:
    """As `born_at`; before any pod where the id does not tell."""
    return born_at(task_instance_id) or datetime.fromtimestamp(0, UTC)


@dataclass
class PodProgress:
    """The state of a pod's nodes, put together from its log's lines in the order they come.

    Snapshots repeat everything, so a log that begins in the middle leads to the same state.

    Attributes:
        name: The pod's name.
        created: When the API server made it, in whole seconds.
        resumed: Whether it goes on where an earlier try stopped: its snapshots then hold what that one built.
        ended: Whether nothing more can come: the pod has ended or is gone, and its log has been read.
        lost: What to say of nodes that had not ended by then.
        end: Why the run ended, in the runner's word.
        plan: Hash of the plan that the marks of the last snapshot belong to.
    """

    name: str
    created: datetime
    resumed: bool = False
    ended: bool = False
    lost: str = ""
    end: ExitReason | None = None
    plan: str | None = None
    artifacts: str | None = None
    _marks: str = ""
    _since: dict[str, Mark] = field(default_factory=dict)
    _told: dict[str, NodeEvent] = field(default_factory=dict)
    _said: dict[str, str] = field(default_factory=dict)

    def feed(self, line: str) -> bool:
        """Takes in a line of the log. False: it is one for people."""
        return self.take(line) is not None

    def take(self, line: str) -> tuple[str, ...] | None:
        """Takes in a line of the log.

        Returns:
            The key of the node that it tells of; none where it tells of all. None for a line for people.
        """
        event = decode(line)
        if isinstance(event, Snapshot):
            self._marks, self.plan, self.end = event.s, event.plan, event.end or self.end
            self._since = {}
            return ()
        if isinstance(event, NodeEvent):
            key = key_of(event.n)
            self._since[key], self._told[key] = event.mark, event
            return (key,)
        return None

    def serves(self, task_instance_id: Any) -> bool:
        """Whether a try of a task is older than the pod, so that the pod will do, or did, what the try asks for.

        The pod's time has no fractions. A pod that is made in the second in which a task is cleared has not begun.
        """
        return self.created + _SECOND > born(task_instance_id)

    def mark(self, key: str, index: int, plan: str, *, rerun: bool = False) -> Mark:
        """A node's mark.

        Args:
            key: Of the node, see `key_of`.
            index: Its place among the plan's sorted unique_ids.
            plan: The hash of that plan; marks of another one are not read.
            rerun: Whether an earlier try's result is none, since somebody asked for the node again.
        """
        if rerun and self.resumed:
            own = self._told.get(key)
            return own.mark if own else Mark.UNKNOWN
        if (mark := self._since.get(key)) is not None:
            return mark
        if self.plan == plan and index < len(self._marks):
            return Mark(self._marks[index])
        told = self._told.get(key)
        return told.mark if told else Mark.UNKNOWN

    def told(self, key: str) -> NodeEvent | None:
        """The last line about a node, where it was seen."""
        return self._told.get(key)

    def said(self, key: str) -> str:
        """Dbt's message about a failed node, where its line was not seen but is known from the XCom."""
        return self._said.get(key, "")

    @property
    def began(self) -> bool:
        """Whether dbt got as far as its first node."""
        return bool(self._told) or any(Mark(mark) not in {Mark.UNKNOWN, Mark.WAITING} for mark in set(self._marks))

    def built_nodes(self, summary: Summary) -> list[dict[str, Any]]:
        """What ended well, for asset events; bounded by the number of models, since tests are left out."""
        shared = {"target": summary.target, "artifacts": summary.artifacts}
        return [
            {key: value for key, value in {"unique_id": event.n, "rows": event.r, "seconds": event.t,
             "at": event.at.isoformat(), **shared}.items() if value is not None}
            for event in self._told.values()
            if event.mark is Mark.SUCCESS and type_of(event.n) in TABLES
        ]  # fmt: skip

    def failed(self) -> list[NodeEvent]:
        return [event for event in self._told.values() if event.mark in {Mark.ERROR, Mark.FAIL}]

    def to_xcom(self) -> dict[str, Any]:
        """The last resort for whoever comes when the pod is gone."""
        marks = {key: mark.value for key, mark in self._since.items()}
        failed = [(key, event.m) for key, event in self._told.items() if event.mark in {Mark.ERROR, Mark.FAIL}]
        return {
            "pod": self.name,
            "created": self.created.isoformat(),
            "resumed": self.resumed,
            "plan": self.plan,
            "marks": self._marks,
            "since": marks,
            "failed": {key: message for key, message in failed[:_MAX_SAID] if message},
            "end": self.end,
            "artifacts": self.artifacts,
            "lost": self.lost,
        }

    @classmethod
    def from_xcom(cls, data: Any) -> Self | None:
        """The opposite of `to_xcom`; None for what another version of podbt left there."""
        try:
            found = cls(
                name=data["pod"],
                created=datetime.fromisoformat(data["created"]),
                resumed=data["resumed"],
                ended=True,
                lost=data["lost"],
                end=ExitReason(data["end"]) if data["end"] else None,
                plan=data["plan"],
                artifacts=data["artifacts"],
            )
            found._marks = data["marks"]
            found._since = {key: Mark(mark) for key, mark in data["since"].items()}
            found._said = dict(data["failed"])
        except (KeyError, TypeError, ValueError, AttributeError):
            return None
        return found
