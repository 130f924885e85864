"""`make bench-page`: how long the run pages take over a volume with many runs, and what of the store they read.

It serves the pages as the api-server does, in a process of its own behind a socket, without Airflow in front: what
Airflow adds to a request (its login, its log) is the same for every page.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench.page_store import fill, project

_LIMIT_MS = 300.0
_READY_SECONDS = 600.0


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.serve:
        return _serve(Path(options.serve), options.port)
    with tempfile.TemporaryDirectory(prefix="podbt-page-") as folder:
        root = Path(folder) / "store"
        began = time.monotonic()
        paths = fill(root, runs=options.runs, nodes=options.nodes)
        print(f"{len(paths)} runs of {options.nodes} nodes written in {time.monotonic() - began:.1f} s", flush=True)
        command = [sys.executable, "-m", "bench.page", "--serve", str(root), "--port", str(options.port)]
        server = subprocess.Popen(command, env={**os.environ, "PODBT_PAGE_INDEX": folder})
        try:
            return _measure(options, paths, f"http://127.0.0.1:{options.port}/")
        finally:
            server.terminate()
            server.wait()


def _measure(options: argparse.Namespace, paths: list[str], base: str) -> int:
    took = _wait(base, options.runs)
    print(f"index filled {took:.1f} s after the first page; pages answered meanwhile", flush=True)
    draw = random.Random(1)
    models = [node.unique_id for node in project(options.nodes) if node.kind == "model"]
    pages: dict[str, Callable[[], str]] = {
        "list": lambda: f"runs?page={draw.randint(1, 5)}",
        "list, failed": lambda: "runs?status=failed&dag_id=shop_1",
        "run": lambda: f"run?path={quote(draw.choice(paths))}",
        "model": lambda: f"model?id={draw.choice(models)}",
        "models": lambda: "models",
        "sources": lambda: "sources",
    }
    missed = []
    for name, address in pages.items():
        times = sorted(_timed(base + address()) for _ in range(options.rounds))
        p95 = times[int(len(times) * 0.95) - 1]
        print(f"{name:14} median {statistics.median(times):6.1f} ms   p95 {p95:6.1f} ms", flush=True)
        missed += [name] if p95 > _LIMIT_MS else []
    reads = json.loads(_get(base + "reads"))
    print(f"files read more than once: {reads['again']} of {reads['files']}", flush=True)
    if missed:
        print(f"over {_LIMIT_MS:.0f} ms: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed or reads["again"] else 0


def _wait(base: str, runs: int) -> float:
    began = time.monotonic()
    first: float | None = None
    while time.monotonic() - began < _READY_SECONDS:
        try:
            text = _get(base + "runs")
        except OSError:
            time.sleep(0.2)
            continue
        first = first or time.monotonic()
        if f"<dd>{runs:,}</dd>" in text:
            return time.monotonic() - first
        time.sleep(0.5)
    raise SystemExit("page: the index was not filled in time.")


def _timed(address: str) -> float:
    began = time.perf_counter()
    _get(address)
    return (time.perf_counter() - began) * 1000


def _get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=60) as answer:
        text: str = answer.read().decode()
        return text


def _serve(root: Path, port: int) -> int:
    import uvicorn  # noqa: PLC0415 - the measuring process needs none of these
    from tests.support.pages import Counted  # noqa: PLC0415

    from podbt.store.location import Location  # noqa: PLC0415
    from podbt.web.app import make_app  # noqa: PLC0415
    from podbt.web.index.database import Database, Scope  # noqa: PLC0415
    from podbt.web.index.keeper import Keeper  # noqa: PLC0415
    from podbt.web.site import Site  # noqa: PLC0415

    store: Any = Counted(Location.read(str(root)).open())
    database = Database(Path(os.environ["PODBT_PAGE_INDEX"]) / "index.sqlite")
    site = Site(
        database=database,
        keeper=Keeper(database, lambda: store),
        open_store=lambda: store,
        scope_of=lambda _, dag_ids: Scope(frozenset(dag_ids)),
    )
    app = make_app(site, login=lambda: "somebody")

    @app.get("/reads")
    def reads() -> dict[str, int]:
        return {"files": len(store.reads), "again": sum(count > 1 for count in store.reads.values())}

    uvicorn.run(app, port=port, log_level="warning")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-page", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="runs on the volume (default: 1000)")
    parser.add_argument("--nodes", type=int, default=500, help="nodes of each run (default: 500)")
    parser.add_argument("--rounds", type=int, default=60, help="requests of each page (default: 60)")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
