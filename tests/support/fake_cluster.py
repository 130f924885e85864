"""An API server that knows pods, as far as following one takes: real HTTP, real watches, real refusals."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from kubernetes_asyncio import client

from podbt.airflow.pods import cluster
from podbt.pod.state import has_ended


@dataclass
class FakeCluster:
    """State of the fake server; tests change it while something follows a pod."""

    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    logs: dict[str, list[str]] = field(default_factory=dict)
    """Of single pods, written as they run; `log` is what every other pod has."""
    log_requests: list[str] = field(default_factory=list)
    refusals: list[tuple[int, str]] = field(default_factory=list)
    """(status, message) of the next creations."""
    created: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    """How often each kind of request came."""
    cut_watches: int = 0
    """So many watches end in the middle of a line."""
    cut_logs: int = 0
    """So many followed logs end as if their container had."""
    forgotten: int = 0
    """A watch from before this version is told that it is too old."""
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _happened: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What happened to pods: the kind of change and the pod then. A version is a place behind one of these."""
    _written: dict[str, asyncio.Event] = field(default_factory=dict)
    """Set when a pod's log or the pod has changed, by its name."""

    async def update(self, name: str, *, age_seconds: float = 0, **status: Any) -> None:
        pod = self.pods[name]
        born = datetime.now(UTC) - timedelta(seconds=age_seconds)
        pod["metadata"]["creationTimestamp"] = born.strftime("%Y-%m-%dT%H:%M:%SZ")
        pod["status"] = status
        await self._happens("MODIFIED", pod)

    async def remove(self, name: str) -> None:
        await self._happens("DELETED", self.pods.pop(name))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(condition)

    @property
    def version(self) -> int:
        """How much has happened so far."""
        return len(self._happened)

    async def _happens(self, kind: str, pod: dict[str, Any]) -> None:
        pod["metadata"]["resourceVersion"] = str(self.version + 1)
        self._happened.append((kind, json.loads(json.dumps(pod))))
        self._wake(pod["metadata"]["name"])
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _wake(self, name: str) -> None:
        if (event := self._written.pop(name, None)) is not None:
            event.set()

    def _refuse(self, status: int, message: str) -> web.Response:
        return web.json_response({"kind": "Status", "message": message}, status=status)

    async def create(self, request: web.Request) -> web.Response:
        self.calls["create"] += 1
        body = await request.json()
        if self.refusals:
            return self._refuse(*self.refusals.pop(0))
        name = body["metadata"]["name"]
        if name in self.pods:
            return self._refuse(409, "already exists")
        body["metadata"] |= {"uid": f"uid-{name}", "resourceVersion": "1"}
        self.created.append(json.loads(json.dumps(body)))
        self.pods[name] = body
        await self.update(name, phase="Pending")
        return web.json_response(body, status=201)

    async def list(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch"):
            self.calls["watch"] += 1
            await self._notify()
            return await self._watch(request)
        self.calls["list"] += 1
        items = [pod for pod in self.pods.values() if _selected(pod, request)]
        return web.json_response(
            {"kind": "PodList", "metadata": {"resourceVersion": str(self.version)}, "items": items}
        )

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        seen = int(request.query["resourceVersion"])
        if seen < self.forgotten:
            gone = {"kind": "Status", "code": 410, "message": "too old resource version"}
            await response.write(json.dumps({"type": "ERROR", "object": gone}).encode() + b"\n")
            return response
        with suppress(ConnectionResetError):  # whoever watched is gone
            while not self.cut_watches:
                news, seen = self._happened[seen:], self.version
                for kind, pod in news:
                    if _selected(pod, request):
                        await response.write(json.dumps({"type": kind, "object": pod}).encode() + b"\n")
                async with self._changed:
                    await self._changed.wait_for(lambda: self.version > seen)  # noqa: B023 - awaited in this turn
            self.cut_watches -= 1
            await response.write(b'{"type": "MODI')
        return response

    async def delete(self, request: web.Request) -> web.Response:
        self.calls["delete"] += 1
        name = request.match_info["name"]
        if name not in self.pods:
            return self._refuse(404, "not found")
        self.deleted.append(name)
        body = self.pods[name]
        await self.remove(name)
        return web.json_response(body)

    async def say(self, name: str, *lines: str) -> None:
        """Writes to a pod's log."""
        self.logs.setdefault(name, []).extend(lines)
        self._wake(name)

    async def read_log(self, request: web.Request) -> web.StreamResponse:
        self.calls["log"] += 1
        name = request.match_info["name"]
        self.log_requests.append(name)
        if name in self.logs:
            return await self._stream(request, name)
        return web.Response(text="".join(f"2026-01-01T00:00:{n:02d}Z {line}\n" for n, line in enumerate(self.log)))

    async def _stream(self, request: web.Request, name: str) -> web.StreamResponse:
        """A followed log: it ends with its container."""
        response = web.StreamResponse()
        await response.prepare(request)
        sent = 0
        while True:
            for line in self.logs[name][sent:]:
                sent += 1
                await response.write(f"2026-01-01T00:00:00.{sent:09d}Z {line}\n".encode())
            if self.cut_logs and sent:
                self.cut_logs -= 1
                await self._notify()
                return response
            if name not in self.pods or has_ended(self.pods[name]):
                return response
            await self._written.setdefault(name, asyncio.Event()).wait()

    async def list_events(self, _: web.Request) -> web.Response:
        self.calls["events"] += 1
        return web.json_response({"kind": "EventList", "items": self.events})


def _selected(pod: dict[str, Any], request: web.Request) -> bool:
    """Whether a request's selectors select a pod: a name, and labels by equality or by their absence."""
    name = request.query.get("fieldSelector", "").removeprefix("metadata.name=")
    return (not name or pod["metadata"]["name"] == name) and _labelled(pod, request)


def _labelled(pod: dict[str, Any], request: web.Request) -> bool:
    """Whether a pod has the labels that are asked for, by equality or by their absence."""
    labels = pod["metadata"].get("labels", {})
    asked = [part.partition("=") for part in request.query.get("labelSelector", "").split(",") if part]
    return all(
        labels.get(key) == value if equals else key.removeprefix("!") not in labels for key, equals, value in asked
    )


def routes(app: web.Application, fake: FakeCluster) -> None:
    """Gives a web application the fake's paths."""
    pods = "/api/v1/namespaces/ns/pods"
    app.router.add_post(pods, fake.create)
    app.router.add_get(pods, fake.list)
    app.router.add_delete(pods + "/{name}", fake.delete)
    app.router.add_get(pods + "/{name}/log", fake.read_log)
    app.router.add_get("/api/v1/namespaces/ns/events", fake.list_events)


@asynccontextmanager
async def fake_cluster(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeCluster]:
    """Serves a fake cluster on loopback and makes podbt's client speak to it."""
    fake = FakeCluster()
    app = web.Application()
    routes(app, fake)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    api = client.ApiClient(client.Configuration(host=f"http://{host}:{port}"))

    async def connect() -> client.CoreV1Api:
        return client.CoreV1Api(api)

    monkeypatch.setattr(cluster, "connect", connect)
    monkeypatch.setattr(cluster, "_swept", {})
    try:
        yield fake
    finally:
        await api.close()
        await runner.cleanup()
