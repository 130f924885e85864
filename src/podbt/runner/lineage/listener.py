"""Tells a lineage server of a run, beside it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from podbt.contract.exits import ExitReason
from podbt.contract.kinds import Command, NodeStatus, RunStatus
from podbt.contract.record import NodeRecord, Summary
from podbt.runner.dbt.parsing import Connection, invocation_id
from podbt.runner.lineage.project import TOLD, project_of
from podbt.runner.process.beside import Beside
from podbt.runner.process.lineage_server import LineageServer

COMMANDS: Final = frozenset({Command.BUILD, Command.RUN, Command.TEST, Command.SEED, Command.SNAPSHOT})
"""What builds or tests tables. All others have no lineage."""

_STATUSES: Final[Mapping[str, str]] = {
    NodeStatus.PARTIAL_SUCCESS: NodeStatus.ERROR,
    NodeStatus.INTERRUPTED: NodeStatus.SKIPPED,  # OpenLineage's ABORT
}
"""What OpenLineage's integration does not know."""

_Event = dict[str, Any]


class Lineage:
    """A listener to a run and to dbt's parse (`Listener` in `runner/report/report.py` and in `runner/dbt/parsing.py`).

    A thread makes events of what it hears and sends them.
    """

    def __init__(
        self, server: LineageServer, *, command: str | None, words: list[str], folder: str, job: str | None,
        started: datetime, dbt_version: str, hide: Callable[[str], str], say: Callable[[str], None],
    ) -> None:  # fmt: skip
        """Listens to nothing, yet.

        Args:
            server: Who is told.
            command: The dbt command.
            words: Its arguments.
            folder: The project's.
            job: Name of the command's job; OpenLineage's own choice where there is none.
            started: When the run began.
            dbt_version: dbt's.
            hide: Takes secrets out of a text.
            say: Prints a line.
        """
        self._server = server
        self._wanted = command in COMMANDS
        self._words = words
        self._folder = folder
        self._job = job
        self._started = started
        self._dbt_version = dbt_version
        self._hide = hide
        self._say = say
        self._beside = Beside[_Event]("lineage", self._tell)
        self._parsed: tuple[Any, Any] | None = None
        self._open = set[str]()

    def connected(self, connection: Connection) -> None:
        """Says nothing: without the project there is nothing to tell of."""

    def parsed(self, manifest: Any, config: Any) -> None:
        """Begins to tell. dbt may parse once more, where it could not connect the first time."""
        if not self._wanted or self._beside.started:
            return
        self._parsed = manifest, config
        version, own = {"version": f"={self._dbt_version}"}, invocation_id()
        self._put("MainReportVersion", version, at=self._started, invocation_id=own)
        self._beside.start()

    def begin(self, carried: list[NodeRecord]) -> None:
        """Says nothing: what an earlier try did, that try has told."""

    def expect(self, unique_ids: set[str]) -> None: ...

    def tick(self) -> None: ...

    def node_started(self, node: NodeRecord) -> None:
        if node.resource_type in TOLD:
            self._open.add(node.unique_id)
            self._put("NodeStart", {"node_info": _info(node)}, at=node.started_at)

    def node_ended(self, node: NodeRecord) -> None:
        if node.resource_type not in TOLD:
            return
        self._open.discard(node.unique_id)
        result = {"message": node.message or "", "num_failures": node.failures}
        rows = {} if node.rows is None else {"rows_affected": node.rows}
        data = {"node_info": _info(node), "run_result": {**result, "adapter_response": rows}}
        self._put("NodeFinished", data, at=node.finished_at)

    def end(self, summary: Summary, nodes: list[NodeRecord]) -> None:
        """Tells how the command ended, and waits a little until that is sent."""
        if not self._beside.started:
            return
        for node in nodes:  # what was stopped, or broke in a way that no event told
            if node.unique_id in self._open:
                self.node_ended(node)
        stopped = summary.exit_reason is ExitReason.INTERRUPTED
        if not stopped:  # without an end OpenLineage's integration tells ABORT
            done = summary.status != RunStatus.FAILED
            self._put("CommandCompleted", {"success": done, "completed_at": _text(None)}, msg=summary.error or "")
        if problem := self._beside.end(stopped=stopped):
            self._say(f"Lineage is not complete ({self._server.url}): {self._hide(problem)}. The run itself is.")

    def _put(self, name: str, data: _Event, *, at: datetime | None = None, **more: Any) -> None:
        self._beside.put({"info": {"name": name, "ts": _text(at), **more}, "data": data})

    def _tell(self, told: Iterator[_Event | None]) -> str | None:
        """The thread's work."""
        try:
            # Imported here alone: a run that tells nobody imports none of it.
            from podbt.runner.lineage.processor import Processor  # noqa: PLC0415
            from podbt.runner.lineage.sending import Sender  # noqa: PLC0415
        except ImportError:
            return "OpenLineage's library is not installed here. Install podbt[lineage]"
        if self._parsed is None:
            return None
        manifest, config = self._parsed
        project, sender = project_of(manifest, config, self._hide), Sender(self._server)
        processor = Processor(
            project,
            (event for event in told if event is not None),
            folder=self._folder,
            target=str(config.target_name),
            namespace=self._server.namespace,
            job=self._job,
            words=self._words,
        )
        for event in processor.parse():
            sender.send(event)
        return sender.problem


def _info(node: NodeRecord) -> _Event:
    return {
        "unique_id": node.unique_id,
        "resource_type": node.resource_type,
        "node_status": _STATUSES.get(node.status, node.status),
        "node_started_at": _text(node.started_at),
        "node_finished_at": _text(node.finished_at),
    }


def _text(time: datetime | None) -> str:
    """A time as dbt's log has it."""
    return (time or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
