"""What a pod's progress means for one task of a group. Pure: no clock, no cluster, no Airflow."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from podbt.airflow.pods.progress import PodProgress
from podbt.contract.events import Mark, NodeEvent
from podbt.contract.exits import ExitReason
from podbt.contract.record import Failure
from podbt.contract.result import ModelResult

_MAX_FAILURES = 5
_BAD = frozenset({Mark.ERROR, Mark.FAIL})
_COMPLETE = frozenset(
    {ExitReason.SUCCESS, ExitReason.WARNINGS, ExitReason.NODE_FAILURE, ExitReason.TEST_FAILURE}
)  # the run got to the end of its nodes: what has no mark was not part of it


class Kind(StrEnum):
    """What is to be done."""

    WAIT = "wait"
    DONE = "done"
    FAILED = "failed"
    REST = "rest"
    """dbt skipped something because what it needs had failed: it runs once that is mended."""
    ABSENT = "absent"
    """The run came to its end and this node was not part of it."""
    LOST = "lost"
    """The pod ended in the middle."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A kind, and for REST the keys of the nodes that are left."""

    kind: Kind
    rest: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Duty:
    """What a task answers for.

    Attributes:
        node: Key of its node; None for the task of the tests that belong to no node.
        at: Places among the plan's sorted unique_ids by key, of the node and of its tests.
        plan: The hash of that plan.
        rerun: Whether this is not the task's first try.
    """

    node: str | None
    at: Mapping[str, int]
    plan: str
    rerun: bool = False


def judge(duty: Duty, pod: PodProgress) -> Verdict:
    """Decides for one task by what its pod has told so far."""
    marks = {key: pod.mark(key, index, duty.plan, rerun=duty.rerun) for key, index in duty.at.items()}
    own = marks.get(duty.node) if duty.node else None
    if own in _BAD:
        return Verdict(kind=Kind.FAILED)  # its tests follow at once, skipped
    open_ = {key for key, mark in marks.items() if not mark.ended}
    if open_ and not pod.ended:
        return Verdict(kind=Kind.WAIT)
    if open_ and (pod.end not in _COMPLETE or any(marks[key] is not Mark.UNKNOWN for key in open_)):
        return Verdict(kind=Kind.LOST)
    if own is Mark.UNKNOWN or (own is None and len(open_) == len(marks)):
        return Verdict(kind=Kind.ABSENT)
    if own is Mark.SKIPPED:
        return Verdict(kind=Kind.REST, rest=tuple(marks))
    if any(mark in _BAD for mark in marks.values()):
        return Verdict(kind=Kind.FAILED)
    if skipped := tuple(key for key, mark in marks.items() if mark is Mark.SKIPPED):
        return Verdict(kind=Kind.REST, rest=skipped)
    return Verdict(kind=Kind.DONE)


def report(duty: Duty, pod: PodProgress) -> tuple[str, ModelResult]:
    """What the task's log says at its end, node by node, and the task's XCom."""
    lines: list[str] = []
    counts: dict[str, int] = {}
    bad: list[Mark] = []
    for key, index in duty.at.items():
        event, mark = pod.told(key), pod.mark(key, index, duty.plan)
        if key != duty.node:
            counts[_word(mark)] = counts.get(_word(mark), 0) + 1
        if mark in _BAD:
            bad.append(mark)
        if event is not None and mark.ended:
            lines.append(_line(event))
        elif key == duty.node or mark in _BAD:
            lines.append(f"{_word(mark)}; its line in the pod's log was not seen. {pod.said(key)}".rstrip())
    if pod.artifacts:
        lines.append(f"artifacts: {pod.artifacts} (run_results.json there has the compiled SQL)")
    failed = [
        Failure(unique_id=event.n, status=event.s, message=event.m or pod.said(key))
        for key, index in duty.at.items()
        if (event := pod.told(key)) is not None and pod.mark(key, index, duty.plan) in _BAD
    ]
    own = pod.told(duty.node) if duty.node else None
    status = _word(pod.mark(duty.node, duty.at[duty.node], duty.plan)) if duty.node else "tests"
    return "\n".join(lines), ModelResult(
        unique_id=own.n if own else None,
        status=status,
        exit_reason=ExitReason.of_failing(map(_word, bad)) if bad else None,
        seconds=own.t if own else None,
        rows=own.r if own else None,
        at=own.at.isoformat() if own else None,
        tests=counts,
        artifacts=pod.artifacts,
        failures=failed[:_MAX_FAILURES] or None,
    )


def _line(event: NodeEvent) -> str:
    seconds = "" if event.t is None else f" in {event.t:.2f} s"
    rows = "" if event.r is None else f", {event.r} rows"
    found = f", {event.f} rows found" if event.f else ""
    said = f": {event.m}" if event.m and event.mark in {*_BAD, Mark.WARN} else ""
    return f"{event.s}{seconds}{rows}{found}  {event.n}{said}"


def _word(mark: Mark) -> str:
    return mark.name.lower().replace("_", "-")
