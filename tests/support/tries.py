"""Tries of one task, as they begin and as they are left."""

from datetime import UTC, datetime, timedelta

from podbt.contract.journal import Alive, lines_of
from podbt.contract.record import NodeRecord, RunIdentity, RunStart
from podbt.store.run_folder import RunFolder
from podbt.store.store import Store

AT = datetime(2026, 1, 1, 2, tzinfo=UTC)


def identity(number: int) -> RunIdentity:
    return RunIdentity(dag_id="d", run_id="r", task_id="t", try_number=number)


def start(number: int = 1, **changes: object) -> RunStart:
    facts = {"command": ["build"], "target": "prod", "image": "i:1", "podbt_version": "1", "dbt_version": "1.11"}
    return RunStart(identity=identity(number), started_at=AT, **{**facts, **changes})  # type: ignore[arg-type]


def node(name: str, status: str = "success", **fields: object) -> NodeRecord:
    kind = name.split(".", maxsplit=1)[0]
    return NodeRecord(unique_id=name, name=name, resource_type=kind, status=status, seconds=1.0, **fields)  # type: ignore[arg-type]


def began(store: Store, number: int, *nodes: NodeRecord) -> RunFolder:
    folder = RunFolder.reserve(store, identity(number))
    alive = Alive(start=start(number), beat=3, at=AT + timedelta(seconds=60))
    folder.write("alive.json", alive.model_dump_json(exclude_none=True).encode())
    store.write(f"{folder.partial}/nodes.jsonl", lines_of(list(nodes)))
    return folder
