"""A store with many runs of one project, written as fast as the disk takes it.

The project has layers of models that read some of the layer before, with two tests for most of them. What a run says of
a node is drawn from a generator with a seed, so that two stores are alike.
"""

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from podbt.contract import layout
from podbt.contract.exits import ExitReason
from podbt.contract.record import Failure, RunIdentity, RunRecord, to_json

_THREADS = 8
_LAYER = 24
_BROKEN = 0.12  # of all runs, those in which a node fails


@dataclass(frozen=True)
class Node:
    unique_id: str
    name: str
    kind: str
    parents: list[str]
    seconds: float


def project(nodes: int) -> list[Node]:
    """As many nodes, parents first; about a third are models, the others tests."""
    draw = random.Random(7)
    models: list[Node] = []
    found: list[Node] = []
    while len(found) < nodes:
        number = len(models)
        layer = models[max(0, number - _LAYER - 6) : max(0, number - number % _LAYER)]
        parents = [one.unique_id for one in draw.sample(layer, min(len(layer), 3))]
        name = f"{('stg', 'int', 'fct')[min(2, number // _LAYER % 3)]}_{number:03}"
        model = Node(f"model.shop.{name}", name, "model", parents, round(draw.lognormvariate(0, 0.9), 3))
        models.append(model)
        found.append(model)
        for kind in ("unique", "not_null"):
            if len(found) < nodes:
                test = f"{kind}_{name}_id"
                key = hashlib.sha256(test.encode()).hexdigest()[:10]
                found.append(Node(f"test.shop.{test}.{key}", test, "test", [model.unique_id], 0.12))
    return found


def manifest(nodes: list[Node]) -> bytes:
    """As dbt writes one, as far as pages read it."""
    return json.dumps(
        {
            "metadata": {"project_name": "shop"},
            "groups": {"group.shop.sales": {"name": "sales", "owner": {"name": "Sales team"}}},
            "nodes": {
                node.unique_id: {
                    "name": node.name,
                    "resource_type": node.kind,
                    "depends_on": {"nodes": node.parents},
                    "description": f"One row a thing of {node.name}." if node.kind == "model" else "",
                    "original_file_path": f"models/{node.name}.sql",
                    "config": {"materialized": "table" if node.kind == "model" else "test", "group": "sales"},
                    "group": "sales",
                    "tags": ["daily"],
                    "relation_name": f'"shop"."prod"."{node.name}"' if node.kind == "model" else None,
                    "columns": {
                        "id": {"name": "id", "data_type": "bigint", "description": "Key."},
                        "amount": {"name": "amount", "data_type": "numeric", "description": "In the shop's currency."},
                    }
                    if node.kind == "model"
                    else {},
                    "raw_code": f"select id, amount\nfrom {{{{ ref('{_first(node)}') }}}}\n",
                }
                for node in nodes
            },
        }
    ).encode()


def _first(node: Node) -> str:
    return (node.parents or ["model.shop.raw"])[0].split(".")[2]


def fill(root: Path, *, runs: int, nodes: int, dags: int = 4, until: datetime | None = None) -> list[str]:
    """Writes a store.

    Args:
        root: Its folder.
        runs: How many, a day's between two of one DAG.
        nodes: Of each run.
        dags: How many DAGs they are of: shop_0, shop_1, …
        until: When the last one ended; now by default.

    Returns:
        Their folders, the oldest first.
    """
    known = project(nodes)
    content = manifest(known)
    path = layout.manifest_path(hashlib.sha256(content).hexdigest())
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(content)
    last = until or datetime.now(UTC)
    every = timedelta(hours=24 / dags)
    return [
        _run(root, number, known, path, f"shop_{number % dags}", last - every * (runs - number))
        for number in range(runs)
    ]


def _run(  # noqa: PLR0917
    root: Path, number: int, nodes: list[Node], manifest_file: str, dag: str, began: datetime
) -> str:
    draw = random.Random(number)
    started = began - timedelta(minutes=10)
    lines = list(_lines(draw, nodes, started + timedelta(seconds=6)))
    failed = [one for one in lines if one["status"] in {"error", "fail"}]
    counts: dict[str, int] = {}
    for one in lines:
        counts[one["status"]] = counts.get(one["status"], 0) + 1
    reason = ExitReason.of_failing(one["status"] for one in failed) if failed else ExitReason.SUCCESS
    ended = max(datetime.fromisoformat(one["finished_at"]) for one in lines if "finished_at" in one)
    who = RunIdentity(dag_id=dag, run_id=f"scheduled__{started:%Y-%m-%dT%H:%M:%S}+00:00", task_id="build")
    record = RunRecord(
        identity=who,
        command=["build", "--selector", "daily"],
        target="prod",
        started_at=started,
        image=f"registry.example.com/shop/dbt@sha256:{hashlib.sha256(str(number // 50).encode()).hexdigest()}",
        revision=hashlib.sha256(str(number // 50).encode()).hexdigest()[:7],
        podbt_version="0.1.0",
        dbt_version="1.11.2",
        status=reason.status,
        exit_reason=reason,
        error=f"{failed[0]['unique_id']}: {failed[0]['message']}" if failed else None,
        counts={"total": len(lines), **counts},
        failures=[Failure(unique_id=n["unique_id"], status=n["status"], message=n["message"]) for n in failed],
        finished_at=ended,
        seconds=round((ended - started).total_seconds(), 3),
        manifest=manifest_file,
    )
    path = layout.run_folder(who)
    folder = root / path
    folder.mkdir(parents=True)
    for one in failed:
        file = folder / one["compiled"]
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"select id, amount / 0\nfrom prod.{one['name']}\n")
    (folder / "nodes.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    (folder / "run.json").write_text(json.dumps(to_json(record)))
    return path


def _lines(draw: random.Random, nodes: list[Node], start: datetime) -> Iterator[dict[str, Any]]:
    """What a run with eight threads says, in the order in which its nodes begin."""
    broken = {draw.choice(nodes).unique_id} if draw.random() < _BROKEN else set()
    free = [0.0] * _THREADS
    ends: dict[str, float] = {}
    down: set[str] = set()
    for node in nodes:
        fields: dict[str, Any] = {"unique_id": node.unique_id, "name": node.name, "resource_type": node.kind}
        if down.intersection(node.parents):
            down.add(node.unique_id)
            yield {**fields, "status": "skipped", "seconds": 0.0}
            continue
        thread = free.index(min(free))
        began = max(free[thread], *(ends[one] for one in node.parents), 0.0)
        took = round(node.seconds * draw.uniform(0.8, 1.3), 3)
        ends[node.unique_id] = free[thread] = began + took
        fields |= {
            "seconds": took,
            "thread": f"Thread-{thread + 1} (worker)",
            "started_at": (start + timedelta(seconds=began)).isoformat(),
            "finished_at": (start + timedelta(seconds=began + took)).isoformat(),
            "path": f"models/{node.name}.sql",
        }
        if node.unique_id in broken:
            down.add(node.unique_id)
            test = node.kind == "test"
            yield {
                **fields,
                "status": "fail" if test else "error",
                "compiled": f"compiled/{node.unique_id}.sql",
                "message": "Got 3 results, configured to fail if != 0" if test else "Database Error: division by zero",
                **({"failures": 3} if test else {}),
            }
        elif node.kind == "test":
            yield {**fields, "status": "pass", "failures": 0}
        else:
            yield {**fields, "status": "success", "rows": draw.randrange(10, 100_000)}
