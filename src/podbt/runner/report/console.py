"""What people see of a run: one line a node, warnings and failures with what they need, totals."""

import sys
from collections.abc import Mapping
from threading import Lock
from typing import Any, Final, TextIO

from podbt.contract.kinds import FAILED_STATUSES, NodeStatus, ResourceType
from podbt.contract.record import NodeRecord, Summary, shorten

_WORDS: Final[Mapping[str, str]] = {
    NodeStatus.SUCCESS: "ok",
    NodeStatus.PASS: "ok",
    NodeStatus.NO_OP: "no-op",
    NodeStatus.WARN: "WARN",
    NodeStatus.FAIL: "FAIL",
    NodeStatus.ERROR: "ERROR",
    NodeStatus.PARTIAL_SUCCESS: "PART",
    NodeStatus.SKIPPED: "skip",
    NodeStatus.INTERRUPTED: "stop",
}
_TO_LOOK_AT: Final = FAILED_STATUSES | {NodeStatus.WARN, NodeStatus.INTERRUPTED}
_MESSAGE_LINES: Final = 12
_MESSAGE_CHARS: Final = 1000

# What a command is run for, and messages of a project's own macros: {{ log(…, info=true) }} and {{ print(…) }}.
_ASKED_FOR: Final = frozenset(
    {
        "AdapterEventInfo", "CannotGenerateDocs", "CompiledNode", "DebugCmdOut", "DebugCmdResult", "JinjaLogInfo",
        "ListCmdOut", "PrintEvent", "SeedHeader", "SelectorReportInvalidSelector", "ShowNode",
    }
)  # fmt: skip
# What dbt says of nodes once more, as lines of its own, and of the run's end, which the report tells.
_SAID: Final = frozenset(
    {
        "CatchableExceptionOnRun", "CheckNodeTestFailure", "EndOfRunSummary", "FinishedRunningStats",
        "GenericExceptionOnRun", "InternalErrorOnRun", "LogBatchResult", "LogCancelLine", "LogFreshnessResult",
        "LogFunctionResult", "LogHookEndLine", "LogModelResult", "LogNodeNoOpResult", "LogNodeResult", "LogSeedResult",
        "LogSkipBecauseError", "LogSnapshotResult", "LogTestResult", "MainEncounteredError", "MainStackTrace",
        "NothingToDo", "RunResultError", "RunResultErrorNoMessage", "RunResultFailure", "RunResultWarning",
        "RunResultWarningMessage", "SQLCompiledPath", "SkippingDetails", "StatsLine",
    }
)  # fmt: skip


class Console:
    """Prints a run. Where dbt prints itself (PODBT_OUTPUT=dbt), only what podbt has to say."""

    def __init__(self, *, dbts_own: bool = False, folder: str | None = None, stream: TextIO | None = None) -> None:
        """Starts at zero of an unknown number of nodes.

        Args:
            dbts_own: Leave nodes and messages to dbt.
            folder: The run's folder in the store, for the paths of compiled SQL.
            stream: Where to print; sys.stdout where None.
        """
        self._dbts_own = dbts_own
        self._folder = folder
        self._stream = stream or sys.stdout
        self._lock = Lock()
        self._ended: set[str] = set()
        self._expected: set[str] = set()
        self.said: str | None = None
        """The last that dbt said in answer to its command, or as an error: all there is where no node failed."""

    def say(self, line: str) -> None:
        """Prints a line of podbt's own."""
        self._print(f"podbt: {line}")

    def expect(self, unique_ids: set[str]) -> None:
        """Takes in which nodes will run, as far as dbt has decided."""
        with self._lock:
            self._expected |= unique_ids

    def begin(self, carried: list[NodeRecord]) -> None:
        """Counts what an earlier try did."""
        with self._lock:
            self._ended |= {node.unique_id for node in carried}

    def node_started(self, node: NodeRecord) -> None:
        """Says nothing: with several threads the ends tell enough."""

    def node_ended(self, node: NodeRecord) -> None:
        with self._lock:
            self._ended.add(node.unique_id)
            count, total = len(self._ended), len(self._expected | self._ended)
        if not self._dbts_own:
            self._print("\n".join([_line(node, count, total), *self._details(node)]))

    def on_event(self, event: Any) -> None:
        """Dbt's event callback: warnings, errors and the project's own messages."""
        name, level = event.info.name, event.info.level
        if (name in _ASKED_FOR or level == "error") and event.info.msg.strip():
            self.said = event.info.msg
        if self._dbts_own or name in _SAID:
            return
        if name in _ASKED_FOR and level != "debug":
            self._print(event.info.msg)
        elif level in {"warn", "error"} and event.info.msg.strip():
            self._print(f"{'warning' if level == 'warn' else 'error'}: {shorten(event.info.msg, _MESSAGE_CHARS)}")

    def tick(self) -> None:
        """Says nothing: a run may be silent for as long as a node takes."""

    def end(self, summary: Summary, _nodes: list[NodeRecord]) -> None:
        """Prints the totals, where the artifacts are, and why the run failed."""
        counts = ", ".join(f"{count} {status}" for status, count in summary.counts.items() if status != "total")
        total = f"{summary.exit_reason}: {summary.counts.get('total', 0)} nodes in {summary.seconds:.1f} s"
        self.say(total + (f" ({counts})" if counts else ""))
        if summary.artifacts:
            self.say(f"artifacts: {summary.artifacts}")
        for note in summary.notes:
            self.say(f"warning: {note}")
        self._stream.flush()
        if summary.error:
            print(f"podbt: {summary.error}", file=sys.stderr, flush=True)

    def _details(self, node: NodeRecord) -> list[str]:
        """What to look at when a node did not go well."""
        if not node.message or node.status not in _TO_LOOK_AT:
            return []
        lines = [f"        {line}" for line in node.message[:_MESSAGE_CHARS].splitlines()[:_MESSAGE_LINES]]
        if node.compiled:
            place = f"{self._folder}/{node.compiled}" if self._folder else node.compiled
            lines.append(f"        compiled: {place}")
        return lines

    def _print(self, text: str) -> None:
        with self._lock:
            # One write: other threads, and dbt where it prints itself, write lines of their own.
            self._stream.write(f"{text}\n")
            self._stream.flush()


def _line(node: NodeRecord, count: int, total: int) -> str:
    width = len(str(total))
    kind = "" if node.resource_type == ResourceType.MODEL else f"{node.resource_type} "
    found = node.rows if node.failures is None else node.failures
    rows = f"  ({found:,} row{'s' * (found != 1)})" if found and node.status != NodeStatus.PASS else ""
    word = _WORDS.get(node.status, node.status)
    return f"[{count:>{width}}/{total}] {word:<5} {node.seconds:>8.2f}s  {kind}{_label(node)}{rows}"


def _label(node: NodeRecord) -> str:
    """Its name, of a model of several versions with its version: `orders.v2`, and of their unit tests `adds_v2`."""
    tail = node.unique_id.split(".", 2)[-1]
    if node.resource_type == ResourceType.MODEL and tail.startswith(f"{node.name}.v"):
        return tail
    last = tail.rpartition(".")[2]
    return last if node.resource_type == ResourceType.UNIT_TEST and last.startswith(f"{node.name}_v") else node.name
