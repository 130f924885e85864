"""Runs as the runner publishes them, for tests of what reads or removes them."""

from datetime import UTC, datetime, timedelta

from podbt.contract import layout
from podbt.contract.exits import ExitReason
from podbt.contract.record import NodeRecord, RunIdentity, RunRecord, counts_of, failures_of
from podbt.contract.state import Pointer
from podbt.store.run_folder import RunFolder
from podbt.store.store import Store

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def node(name: str, status: str = "success", seconds: float = 0.5, rows: int | None = 7) -> NodeRecord:
    return NodeRecord(
        unique_id=f"model.p.{name}", name=name, resource_type="model", status=status, seconds=seconds, rows=rows
    )


def record(
    identity: RunIdentity,
    nodes: list[NodeRecord],
    *,
    age: timedelta = timedelta(),
    reason: ExitReason = ExitReason.SUCCESS,
    target: str = "prod",
    manifest: str | None = None,
) -> RunRecord:
    return RunRecord(
        identity=identity,
        status=reason.status,
        exit_reason=reason,
        command=["build"],
        target=target,
        counts=counts_of(nodes),
        failures=failures_of(nodes),
        started_at=NOW - age,
        finished_at=NOW - age,
        seconds=1.5,
        podbt_version="0",
        dbt_version="1",
        manifest=manifest,
    )


def identity(number: int, *, dag: str = "nightly", task: str = "build") -> RunIdentity:
    return RunIdentity(dag_id=dag, run_id=f"r{number}", task_id=task)


def published(
    store: Store,
    who: RunIdentity,
    *nodes: NodeRecord,
    age: timedelta = timedelta(),
    reason: ExitReason = ExitReason.SUCCESS,
    target: str = "prod",
    manifest: str | None = None,
) -> str:
    """Publishes a run the way the runner does."""
    folder = RunFolder.reserve(store, who, patience_seconds=1)
    sink = folder.sink()
    sink.write("".join(one.model_dump_json(exclude_none=True) + "\n" for one in nodes).encode())
    sink.close()
    whole = record(who, list(nodes), age=age, reason=reason, target=target, manifest=manifest)
    folder.publish(whole)
    point(folder, whole)
    return folder.path


def point(folder: RunFolder, run: RunRecord) -> None:
    """Moves the target's last and last good run, as a run that built something does."""
    assert run.target is not None
    pointer = Pointer(run=folder.path, finished_at=run.finished_at)
    folder.point(run.target, layout.LATEST, pointer)
    if run.exit_reason.succeeded:
        folder.point(run.target, layout.LATEST_SUCCESS, pointer)
