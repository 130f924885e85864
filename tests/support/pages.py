"""The run pages over a store of a test, without Airflow."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import HTTPException, Request
from fastapi.testclient import TestClient

from podbt.contract.exits import ExitReason
from podbt.contract.record import NodeRecord, RunIdentity, RunRecord, counts_of, failures_of
from podbt.store.run_folder import RunFolder
from podbt.store.store import Store
from podbt.web.app import make_app
from podbt.web.index.database import Database, Scope
from podbt.web.index.fill import scan
from podbt.web.site import Site

AT = datetime(2026, 6, 1, 2, tzinfo=UTC)


class Quiet:
    """No thread: a test brings the index up to date itself."""

    def watched(self) -> None:
        pass


@dataclass
class Counted:
    """A store that counts what is read of it."""

    inner: Store
    reads: Counter[str] = field(default_factory=Counter)

    def read(self, path: str) -> bytes:
        self.reads[path] += 1
        return self.inner.read(path)

    def read_lines(self, folder: str) -> bytes:
        self.reads[f"{folder}/nodes.jsonl"] += 1
        return self.inner.read_lines(folder)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def __str__(self) -> str:
        return str(self.inner)


@dataclass
class Pages:
    """The pages, as somebody sees them who may read some DAGs' runs; None: all."""

    database: Database
    store: Any
    client: TestClient

    def scan(self, **options: Any) -> int:
        return scan(self.database, self.store, **options)

    def get(self, address: str, *, dags: Iterable[str] | None = None, login: bool = True) -> Any:
        headers = {"accept": "text/html", **({"x-user": "ann"} if login else {})}
        if dags is not None:
            headers["x-dags"] = ",".join(dags)
        return self.client.get(address, headers=headers, follow_redirects=False)


def pages(store: Store, folder: Path, **options: Any) -> Pages:
    database, counted = Database(folder / "index.sqlite"), Counted(store)

    def login(request: Request) -> Any:
        if "x-user" not in request.headers:
            raise HTTPException(401, "Not authenticated")
        return request.headers.get("x-dags")

    def scope_of(user: str | None, dag_ids: Iterable[str]) -> Scope:
        return Scope() if user is None else Scope(frozenset(dag_ids) & frozenset(user.split(",")))

    made: Any = {"keeper": Quiet(), "open_store": lambda: counted, "scope_of": scope_of, **options}
    site = Site(database=database, login_address=lambda path: f"/login?next={path}", **made)
    return Pages(database, counted, TestClient(make_app(site, login=login)))


def ran(
    name: str,
    begin: float,
    end: float,
    *,
    thread: str = "Thread-1",
    status: str | None = None,
    at: datetime = AT,
    **fields: Any,
) -> NodeRecord:
    """A node that ran from one second after `at` to another: "model.a", "test.a_unique"."""
    kind, _, rest = name.partition(".")
    return NodeRecord(
        unique_id=f"{kind}.p.{rest}",
        name=rest,
        resource_type=kind,
        status=status or ("pass" if kind == "test" else "success"),
        seconds=end - begin,
        started_at=at + timedelta(seconds=begin),
        finished_at=at + timedelta(seconds=end),
        thread=thread,
        **fields,
    )


def skipped(name: str) -> NodeRecord:
    kind, _, rest = name.partition(".")
    return NodeRecord(unique_id=f"{kind}.p.{rest}", name=rest, resource_type=kind, status="skipped", seconds=0.0)


def publish(
    store: Store,
    *nodes: NodeRecord,
    dag: str = "nightly",
    run: str = "r1",
    task: str = "build",
    number: int = 1,
    at: datetime = AT,
    seconds: float = 60.0,
    reason: ExitReason | None = None,
    files: dict[str, bytes] | None = None,
    **fields: Any,
) -> str:
    """Publishes a run as the runner does, and returns its folder."""
    who = RunIdentity(dag_id=dag, run_id=run, task_id=task, try_number=number)
    folder = RunFolder.reserve(store, who, patience_seconds=1)
    failing = [node.status for node in nodes if node.failed]
    why = reason or (ExitReason.of_failing(failing) if failing else ExitReason.SUCCESS)
    record = RunRecord(
        identity=who,
        command=["build"],
        target="prod",
        image="registry.example.com/dbt@sha256:" + "ab" * 32,
        started_at=at,
        finished_at=at + timedelta(seconds=seconds),
        seconds=seconds,
        status=why.status,
        exit_reason=why,
        counts=counts_of(list(nodes)),
        failures=failures_of(list(nodes)),
        podbt_version="0",
        dbt_version="1.11",
        **fields,
    )
    sink = folder.sink()
    sink.write("".join(node.model_dump_json(exclude_none=True) + "\n" for node in nodes).encode())
    sink.close()
    for name, content in (files or {}).items():
        folder.write(name, content)
    folder.publish(record)
    return folder.path


def manifest(*lines: str, **more: dict[str, Any]) -> dict[str, Any]:
    """A manifest: "model.a < source.raw model.b" a node; more fields of single nodes, by name."""
    nodes: dict[str, Any] = {}
    for line in lines:
        left, _, right = line.partition("<")
        kind, _, name = left.strip().partition(".")
        parents = ["{}.p.{}".format(*word.split(".", 1)) for word in right.split()]
        nodes[f"{kind}.p.{name}"] = {
            "name": name, "resource_type": kind, "depends_on": {"nodes": parents}, **more.get(name, {}),
        }  # fmt: skip
    return {"metadata": {"project_name": "p"}, "nodes": nodes}
