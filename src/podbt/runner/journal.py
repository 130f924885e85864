"""nodes.jsonl: one line a node, in the artifact store the moment the node ends."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from podbt.contract.record import NodeRecord, shorten, to_json
from podbt.errors import ArtifactError
from podbt.runner.redact import Redactor

# What freshness calls a source that could not be asked.
_STATUSES = {"runtime error": "error"}


class Journal:
    """Collects finished nodes and appends each to a file at once, so that a killed process leaves them behind."""

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self._redactor = redactor
        self._lock = Lock()  # dbt fires events from its worker threads
        self._nodes: list[NodeRecord] = []
        self._file = path.open("ab", buffering=0)
        self.failure: OSError | None = None
        self.invocation_id: str | None = None

    @property
    def nodes(self) -> list[NodeRecord]:
        with self._lock:
            return list(self._nodes)

    def on_event(self, event: Any) -> None:
        """Dbt's event callback. Never raises: an exception here would end dbt's run."""
        if event.info.name != "NodeFinished":
            return
        self.invocation_id = event.info.invocation_id
        node = node_record(event.data, self._redactor)
        line = json.dumps(to_json(node), separators=(",", ":")).encode() + b"\n"
        with self._lock:
            self._nodes.append(node)
            if self.failure is None:
                try:
                    self._file.write(line)
                except OSError as error:  # a full volume: the run goes on, publishing reports it
                    self.failure = error

    def check(self) -> None:
        """Raises ArtifactError where a line could not be written."""
        if self.failure is not None:
            raise ArtifactError(f"The journal could not be written: {self.failure.strerror}. Free space in the volume.")

    def close(self) -> None:
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            self.failure = self.failure or error
        self._file.close()


def node_record(data: Any, redactor: Redactor) -> NodeRecord:
    """Turns dbt's NodeFinished event (a protobuf message) into a record."""
    info, result = data.node_info, data.run_result
    response = dict(result.adapter_response)
    rows = response.get("rows_affected")
    status = str(info.node_status or result.status)
    return NodeRecord(
        unique_id=info.unique_id,
        name=info.node_name,
        resource_type=info.resource_type,
        status=_STATUSES.get(status, status),
        seconds=round(float(result.execution_time), 3),
        started_at=_time(info.node_started_at),
        finished_at=_time(info.node_finished_at),
        thread=result.thread or None,
        rows=int(rows) if isinstance(rows, int | float) and rows >= 0 else None,
        failures=int(result.num_failures) if info.resource_type in {"test", "unit_test"} else None,
        message=redactor.text(shorten(result.message, 4000)) or None,
        relation=info.node_relation.relation_name or None,
        path=info.node_path or None,
    )


def _time(text: str) -> datetime | None:
    """Dbt writes UTC without saying so."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
