"""Runs as the runner publishes them, for tests of what reads or removes them."""

from datetime import UTC, datetime, timedelta

from podbt.contract.exits import ExitReason
from podbt.contract.record import NodeRecord, RunIdentity, RunRecord, counts_of, failures_of
from podbt.runner.publish import RunFolder
from podbt.store.location import StorePath

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
        status="success" if reason.succeeded else "failed",
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
    root: StorePath,
    who: RunIdentity,
    *nodes: NodeRecord,
    age: timedelta = timedelta(),
    reason: ExitReason = ExitReason.SUCCESS,
    target: str = "prod",
    manifest: str | None = None,
) -> str:
    """Publishes a run the way the runner does."""
    folder = RunFolder.reserve(root, who, patience_seconds=1)
    sink = folder.sink()
    sink.write("".join(one.model_dump_json(exclude_none=True) + "\n" for one in nodes).encode())
    sink.close()
    whole = record(who, list(nodes), age=age, reason=reason, target=target, manifest=manifest)
    folder.publish(whole, pointers=True)
    return folder.path
