"""Run records: what happened. run.json, one line of nodes.jsonl a node, and the pod's termination message."""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from podbt import constants
from podbt.contract.batches import Batches
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import CHECKS, FAILED_STATUSES, RunStatus
from podbt.contract.model import StorePath, Strict
from podbt.errors import ConfigError

SCHEMA_VERSION = 1

_MESSAGE_CHARS = 2000
_MAX_FAILURES = 20
_SOME = 3
_OFTEN_EMPTY = frozenset({"stale", "left_out", "notes", "commands"})


class RunIdentity(Strict):
    """Which Airflow task instance a run belongs to; a person's run has a dag_id of "manual"."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    try_number: Annotated[int, Field(ge=0)] = 1
    part: Annotated[int, Field(ge=1)] | None = None
    """Which of its container's commands it is, where that has several."""
    try_id: Annotated[str | None, Field(exclude=True)] = None
    """Airflow's id of this very try, which no other Airflow has; where it is known. No part of any record."""

    def to_env(self) -> dict[str, str]:
        return {
            constants.ENV_DAG_ID: self.dag_id,
            constants.ENV_RUN_ID: self.run_id,
            constants.ENV_TASK_ID: self.task_id,
            constants.ENV_MAP_INDEX: str(self.map_index),
            constants.ENV_TRY_NUMBER: str(self.try_number),
        }

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self | None:
        """Reads the identity that the pod builder wrote.

        Returns:
            The identity, or None where no part of one is set (a person runs the image).

        Raises:
            ConfigError: Only part of it is set, or a number is not one.
        """
        names = (constants.ENV_DAG_ID, constants.ENV_RUN_ID, constants.ENV_TASK_ID)
        present = [name for name in names if env.get(name)]
        if not present:
            return None
        if missing := [name for name in names if name not in present]:
            raise ConfigError(f"{present[0]} is set but {', '.join(missing)} is not. Set all of them or none.")
        try:
            numbers = {
                "map_index": int(env.get(constants.ENV_MAP_INDEX) or -1),
                "try_number": int(env.get(constants.ENV_TRY_NUMBER) or 1),
            }
        except ValueError:
            raise ConfigError(
                f"{constants.ENV_MAP_INDEX} and {constants.ENV_TRY_NUMBER} must be whole numbers."
            ) from None
        data = {"dag_id": env[names[0]], "run_id": env[names[1]], "task_id": env[names[2]], **numbers}
        return cls.parse(data, source="environment")


class NodeRecord(Strict):
    """One node that ended; a line of nodes.jsonl. Times are UTC, durations seconds."""

    unique_id: str
    name: str
    resource_type: str
    """A `ResourceType`, or one that dbt has added since."""
    status: str
    """A `NodeStatus`, or one that dbt has added since."""
    seconds: float
    started_at: datetime | None = None
    finished_at: datetime | None = None
    thread: str | None = None
    rows: int | None = None
    """Rows the statement affected, where the adapter tells."""
    failures: int | None = None
    """Rows that a test found."""
    message: str | None = None
    relation: str | None = None
    path: str | None = None
    compiled: StorePath | None = None
    """The compiled SQL of a node that failed or that `compile` was run for, relative to the run's folder."""
    batches: Batches | None = None
    """Of a microbatch model: what was built of its batches, and what is left."""
    from_try: int | None = None
    """The earlier try of the same task instance that ran it, where this one only went on."""

    @property
    def failed(self) -> bool:
        return self.status in FAILED_STATUSES


class Failure(Strict):
    """A failing node as the summary carries it."""

    unique_id: str
    status: str
    message: str


class RunStart(Strict):
    """What is known of a run when it begins; alive.json holds it until run.json does."""

    schema_version: Literal[1] = 1
    identity: RunIdentity
    command: list[str]
    target: str | None
    database: str | None = None
    """Hash of the connection without its credentials: tells whether two runs wrote to the same place."""
    variables: str | None = None
    """Keyed hash of --vars and what env_var() reads, without secrets: tells whether two tries were given the same."""
    started_at: datetime
    invocation_started_at: datetime | None = None
    """When dbt began; microbatch models take it for now."""
    image: str | None = None
    revision: str | None = None
    plan_hash: str | None = None
    podbt_version: str
    dbt_version: str
    resumed_from: StorePath | None = None
    """The folder of the earlier try that this one went on from."""


class RunRecord(RunStart):
    """run.json: written last, so its presence says that the folder beside it is whole."""

    status: RunStatus
    exit_reason: ExitReason
    error: str | None = None
    """The one line that says why, when it was not success."""
    counts: dict[str, int]
    """Nodes by dbt's status; "total" is their sum."""
    failures: list[Failure]
    finished_at: datetime
    seconds: float
    invocation_id: str | None = None
    manifest: StorePath | None = None
    """Path of the manifest in the artifact store."""
    sources: StorePath | None = None
    """Path in the store of the sources.json that was the newest of the target when the run began."""
    stale: list[Failure] = []
    """Sources that were found too old before the run's own nodes."""
    left_out: list[str] = []
    """unique_ids of selected nodes that were not run because a source above them is stale."""
    notes: list[str] = []
    """What else went wrong without changing how the run ended, say a pointer that could not be moved; a line each."""


class CommandSummary(Strict):
    """How one of several commands ended."""

    command: str
    exit_reason: ExitReason
    artifacts: StorePath | None = None
    from_try: int | None = None
    """The earlier try that ran it, where this one only went on behind it."""


class Summary(Strict):
    """What fits in a termination message and becomes the Airflow task's XCom."""

    status: RunStatus
    exit_reason: ExitReason
    error: str | None = None
    counts: dict[str, int] = {}
    failures: list[Failure] = []
    artifacts: StorePath | None = None
    """The run's folder, relative to the root of the artifact store."""
    target: str | None = None
    seconds: float = 0.0
    stale: list[str] = []
    """unique_ids of sources that are too old."""
    left_out: int = 0
    """How many selected nodes were not run because of them; run.json lists them."""
    notes: list[str] = []
    """run.json's notes."""
    commands: list[CommandSummary] = []
    """Of several commands in one container: how each ended. All else is then about all of them."""

    @classmethod
    def of(cls, record: RunRecord, artifacts: str | None) -> Self:
        return cls(
            status=record.status,
            exit_reason=record.exit_reason,
            error=record.error,
            counts=record.counts,
            failures=record.failures,
            artifacts=artifacts,
            target=record.target,
            seconds=record.seconds,
            stale=[source.unique_id for source in record.stale],
            left_out=len(record.left_out),
            notes=record.notes,
        )

    def to_termination_message(self) -> str:
        """JSON of at most 4096 bytes: failing nodes are left off, then texts cut, until it fits."""
        for count, length in ((10, 400), (5, 300), (3, 200), (1, 200), (0, 0)):
            data = self.model_dump(mode="json", exclude_none=True)
            data["failures"] = [{**item, "message": shorten(item["message"], length)} for item in data["failures"]]
            data["failures"] = data["failures"][:count]
            data["stale"] = data["stale"][:count]
            data["notes"] = [shorten(note, length) for note in data["notes"][:count]]
            data["commands"] = [
                {key: value for key, value in one.items() if key != "artifacts" or count >= _SOME}
                for one in data["commands"][: count * 2]
            ]
            if self.error:
                data["error"] = shorten(self.error, 1000)
            data = {key: value for key, value in data.items() if value or key not in _OFTEN_EMPTY}
            text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
            if len(text.encode()) <= constants.TERMINATION_MESSAGE_BYTES:
                return text
        data["error"] = shorten(data.get("error") or "", 200)
        return json.dumps(data, separators=(",", ":"))


def failures_of(nodes: list[NodeRecord]) -> list[Failure]:
    """The failing nodes, models and their like before tests of both kinds, at most 20."""
    failing = sorted((node for node in nodes if node.failed), key=lambda node: node.resource_type in CHECKS)
    return [
        Failure(unique_id=node.unique_id, status=node.status, message=shorten(node.message or "", _MESSAGE_CHARS))
        for node in failing[:_MAX_FAILURES]
    ]


def counts_of(nodes: list[NodeRecord]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for node in nodes:
        counts[node.status] = counts.get(node.status, 0) + 1
    return {"total": len(nodes), **dict(sorted(counts.items()))}


def shorten(text: str, length: int) -> str:
    """Folds white space and cuts to at most `length` characters."""
    folded = " ".join(text.split())
    return folded if len(folded) <= length else folded[: max(length - 1, 0)] + "…" * (length > 0)


def to_json(record: Strict) -> dict[str, Any]:
    """Plain data for a file: None left out, times in ISO 8601."""
    return record.model_dump(mode="json", exclude_none=True)
