"""Tells OpenTelemetry of a run, beside it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from podbt.contract.exits import ExitReason
from podbt.contract.record import NodeRecord, RunStart, Summary
from podbt.runner.dbt.parsing import Connection
from podbt.runner.process.beside import Beside
from podbt.runner.process.telemetry_server import TelemetryServer
from podbt.runner.telemetry.facts import End, Fact, Phase, Run


class Telemetry:
    """A listener to a run and to dbt's parse (`Listener` in `runner/report/report.py` and in `runner/dbt/parsing.py`).

    A thread makes spans and metrics of what it hears and sends them.
    """

    def __init__(
        self, server: TelemetryServer, *, command: str | None, start: RunStart, hide: Callable[[str], str],
        say: Callable[[str], None],
    ) -> None:  # fmt: skip
        """Listens to nothing, yet.

        Args:
            server: Who is told.
            command: The dbt command.
            start: What is known of the run.
            hide: Takes secrets out of a text.
            say: Prints a line.
        """
        self._server = server
        self._command = command or "dbt"
        self._start = start
        self._hide = hide
        self._say = say
        self._target = start.target or "default"
        self._connected: datetime | None = None
        self._parsed = False
        self._told = set[str]()
        self._beside = Beside[Fact]("telemetry", self._tell)

    def begin(self, carried: list[NodeRecord]) -> None:  # noqa: ARG002 - Listener's signature
        """Begins to tell, once: the run's own beginning is told to a listener again where a try goes on."""
        if self._beside.started:
            return
        self._beside.start()
        server, began = self._server, self._start.started_at
        known = [("queue", server.queued_at, server.submitted_at or began), ("pod start", server.submitted_at, began)]
        for name, since, until in known:
            if since is not None and since <= until:  # two machines' clocks differ
                self._beside.put(Phase(name=name, began=since, ended=until))

    def connected(self, connection: Connection) -> None:  # noqa: ARG002 - as above
        self._connected = datetime.now(UTC)

    def parsed(self, manifest: Any, config: Any) -> None:  # noqa: ARG002 - as above
        if self._connected is not None and not self._parsed:
            self._parsed = True
            self._beside.put(Phase(name="parse", began=self._connected, ended=datetime.now(UTC)))

    def expect(self, unique_ids: set[str]) -> None: ...

    def tick(self) -> None: ...

    def node_started(self, node: NodeRecord) -> None: ...

    def node_ended(self, node: NodeRecord) -> None:
        self._told.add(node.unique_id)
        self._beside.put(node)

    def end(self, summary: Summary, nodes: list[NodeRecord]) -> None:
        """Tells how the run ended, and waits a little until that is sent."""
        for node in nodes:  # what was stopped, or broke in a way that no event told
            if node.unique_id not in self._told and node.from_try is None:
                self._beside.put(node)
        self._beside.put(End(at=datetime.now(UTC), summary=summary))
        stopped = summary.exit_reason is ExitReason.INTERRUPTED
        if problem := self._beside.end(stopped=stopped):
            self._say(f"Telemetry is not complete ({self._server.endpoint}): {self._hide(problem)}. The run itself is.")

    def _tell(self, facts: Iterator[Fact | None]) -> str | None:
        """The thread's work."""
        try:
            # Imported here alone: a run that tells nobody imports none of it.
            from podbt.runner.telemetry.exporting import Exporter  # noqa: PLC0415
        except ImportError:
            return "OpenTelemetry's library is not installed here. Install podbt[telemetry]"
        run = Run(
            command=self._command, target=self._target, began=self._start.started_at, attributes=self._attributes()
        )
        return Exporter(self._server, run, self._start.podbt_version).send(facts)

    def _attributes(self) -> dict[str, str | int]:
        identity, start = self._start.identity, self._start
        known: dict[str, str | int | None] = {
            "airflow.dag_id": identity.dag_id,
            "airflow.dag_run.run_id": identity.run_id,
            "airflow.task_id": identity.task_id,
            "airflow.task_instance.map_index": identity.map_index,
            "airflow.task_instance.try_number": identity.try_number,
            "container.image.name": start.image,
            "dbt.command": self._command,
            "dbt.target": self._target,
            "dbt.version": start.dbt_version,
            "vcs.ref.head.revision": start.revision,
        }
        return {key: value for key, value in known.items() if value is not None}
