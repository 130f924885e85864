"""A fake API server for processes of their own, which plays each pod by what its dbt is told to select."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml
from aiohttp import web
from tests.support.fake_cluster import FakeCluster, routes
from tests.support.plans import plan, uid
from tests.support.pods import ended, running

from podbt import constants
from podbt.contract.events import Mark, NodeEvent, encode
from podbt.contract.exits import ExitReason
from podbt.contract.record import Failure, Summary
from podbt.runner.report.emit import Progress

PLAN: Final = plan("a", "b < a", "test.t < b")
GOOD, BAD, SLOW = "good", "bad", "slow"
"""What a step selects: it succeeds, it fails, it runs until the test ends it."""


@dataclass
class PlayedCluster(FakeCluster):
    """Pods begin and end by themselves.

    Attributes:
        release: Set by a test: slow pods succeed.
    """

    release: asyncio.Event = field(default_factory=asyncio.Event)
    playing: set[asyncio.Task[None]] = field(default_factory=set)

    async def create(self, request: web.Request) -> web.Response:
        before = len(self.created)
        response = await super().create(request)
        if len(self.created) > before:
            task = asyncio.get_running_loop().create_task(self._play(self.created[-1]))
            self.playing.add(task)
            task.add_done_callback(self.playing.discard)
        return response

    def tasks(self) -> list[tuple[str, str]]:
        """The tasks whose pods are there, each with its try."""
        return [_task(pod) for pod in self.pods.values()]

    async def _play(self, pod: dict[str, Any]) -> None:
        name, words = pod["metadata"]["name"], pod["spec"]["containers"][0]["args"]
        self.logs[name] = []
        await self.update(name, **running())
        reason = ExitReason.NODE_FAILURE if BAD in words or _fails(words) else ExitReason.SUCCESS
        if SLOW in words:
            await self.release.wait()
        elif GOOD not in words and BAD not in words:
            await self._tell(name, failing=_fails(words))
        error = "model.p.b: boom" if reason is ExitReason.NODE_FAILURE else None
        failures = [Failure(unique_id=uid("b"), status="error", message="boom")] if error else []
        summary = Summary(
            status=reason.status, exit_reason=reason, error=error, failures=failures, artifacts="runs/x", target="prod"
        )
        await asyncio.sleep(1)
        if name in self.pods:
            await self.update(name, **ended(summary, reason.exit_code, "Error" if error else "Completed"))

    async def _tell(self, name: str, *, failing: bool) -> None:
        """What the pod of a group says of its nodes."""
        now, marks = datetime.now(UTC), Progress.of(PLAN)
        told = [
            ("a", "success"),
            ("b", "error" if failing else "success"),
            ("test.t", "skipped" if failing else "pass"),
        ]
        for word, status in told:
            marks.set(uid(word), Mark.of(status))
            said = "boom" if status == "error" else None
            await self.say(name, encode(NodeEvent.of(uid(word), status, at=now, message=said)))
        marks.end = ExitReason.NODE_FAILURE if failing else ExitReason.SUCCESS
        await self.say(name, encode(marks.snapshot(now)))


def _fails(words: list[str]) -> bool:
    return any("fail" in word for word in words)


def _task(pod: dict[str, Any]) -> tuple[str, str]:
    meta = pod["metadata"]
    prefix = constants.LABEL_PREFIX
    return meta["annotations"][f"{prefix}/task-id"], meta["labels"][f"{prefix}/try-number"]


@contextmanager
def served(cluster: FakeCluster, folder: Path) -> Iterator[tuple[asyncio.AbstractEventLoop, Path]]:
    """Serves a cluster from a thread.

    Returns:
        The loop that the cluster lives in, and a kubeconfig that leads to it.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def serve() -> web.AppRunner:
        app = web.Application()
        routes(app, cluster)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = asyncio.run_coroutine_threadsafe(serve(), loop).result(30)
    host, port = runner.addresses[0][:2]
    kubeconfig = folder / "kubeconfig"
    entry: dict[str, Any] = {
        "clusters": [{"name": "c", "cluster": {"server": f"http://{host}:{port}"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }
    kubeconfig.write_text(yaml.safe_dump({"kind": "Config", "current-context": "x", **entry}))
    try:
        yield loop, kubeconfig
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


@contextmanager
def played_cluster(folder: Path) -> Iterator[tuple[PlayedCluster, asyncio.AbstractEventLoop, Path]]:
    """Serves one from a thread, as `served` does."""
    cluster = PlayedCluster()
    with served(cluster, folder) as (loop, kubeconfig):
        yield cluster, loop, kubeconfig
