"""One list and one watch of podbt's pods in a namespace, for all that follow a pod there in one process.

A watch a pod would be two connections a step and, when the API server goes away for a moment, as many lists at once as
there are steps. A watch that is cut goes on from where it was; only a server that has forgotten that place is asked for
a list, once and a moment later, at another moment than its neighbours'.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from typing import Any, Final

from podbt.airflow.pods import cluster
from podbt.airflow.pods.sharing import shared
from podbt.pod.build import MANAGED_BY
from podbt.pod.state import has_ended

Pod = dict[str, Any]
OnCut = Callable[[Exception], None]

_SELECTOR: Final = f"app.kubernetes.io/managed-by={MANAGED_BY}"
_AGAIN_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 30.0
"""Between two attempts: after one that ended well, and at most. Each is shorter or longer by chance."""

_TOLD_ATTEMPT: Final = 2
"""A cut that the first new attempt mends is nobody's business."""

_UNHEARD_SECONDS: Final = 2.0
_ALONE_SECONDS: Final = 15.0
"""How long the watch has time to tell of a pod that was just made, and how often a pod is looked at alone of which it
never tells: something may have taken its label away."""

_log = logging.getLogger(__name__)


class Pods:
    """What a namespace's podbt pods are now, as the API server tells it."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._pods: dict[str, Pod] = {}
        self._version: str | None = None
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._cuts = 0
        self._cut = Exception()
        self._tried = asyncio.Event()
        self._error: Exception | None = None
        self._gone: dict[str, Pod] = {}

    async def all(self) -> list[Pod]:
        """The pods that are there, oldest first.

        Raises:
            OSError, aiohttp.ClientError: The server has not told yet, or does not tell any more.
        """
        await self._tried.wait()
        if self._error is not None and (self._version is None or cluster.is_final(self._error)):
            raise self._error
        return sorted(self._pods.values(), key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    async def known(self, name: str) -> Pod | None:
        """A pod that was there before this was called; None where there is none of that name. Raises as `all`."""
        await self.all()
        return self._pods.get(name)

    async def states(self, name: str, uid: str | None, on_cut: OnCut) -> AsyncGenerator[Pod | None, None]:
        """A pod's state at once and at each change, over cut connections; None when it does not exist.

        Args:
            name: The pod's.
            uid: The one that is meant, where it is known: another pod of that name is none.
            on_cut: Told when the server does not answer for longer.

        Raises:
            RefusedError: The right to watch is missing.
        """
        news = asyncio.Event()
        self._waiting.setdefault(name, set()).add(news)
        told = self._cuts
        last: str | None = None
        try:
            await self._tried.wait()
            while True:
                news.clear()
                if told < self._cuts:  # from here, so that the line goes to the log of the task
                    told = self._cuts
                    on_cut(self._cut)
                pod = self._pods.get(name)
                if self._error is not None and cluster.is_final(self._error):
                    raise self._error
                if pod is not None and _is(pod, uid):
                    if (version := pod["metadata"].get("resourceVersion")) != last or version is None:
                        last = version
                        yield pod
                    seconds: float | None = None
                elif uid is not None and (end := self._gone.get(name)) is not None and _is(end, uid):
                    if has_ended(end) and end["metadata"].get("resourceVersion") != last:
                        last = end["metadata"].get("resourceVersion")
                        yield end  # how it ended is to be seen, however soon it went
                        continue
                    yield None
                    seconds = _ALONE_SECONDS
                elif await self._heard(news):
                    continue
                else:
                    yield await self._alone(name, uid, on_cut)
                    seconds = _ALONE_SECONDS
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), seconds)
        finally:
            self._waiting[name].discard(news)
            if not self._waiting[name]:
                self._waiting.pop(name)
                self._gone.pop(name, None)

    @staticmethod
    async def _heard(news: asyncio.Event) -> bool:
        """Whether the watch tells something of a pod soon."""
        with suppress(TimeoutError):
            await asyncio.wait_for(news.wait(), _UNHEARD_SECONDS)
        return news.is_set()

    async def _alone(self, name: str, uid: str | None, on_cut: OnCut) -> Pod | None:
        """Asks for one pod. Nothing is taken for gone only because the watch has not told of it."""
        failed = 0
        while True:
            try:
                pod = await cluster.get(await cluster.connect(), self.namespace, name)
            except cluster.TRANSIENT as error:
                if cluster.is_final(error):
                    raise
                on_cut(error)
                failed += 1
                await _pause(failed)
            else:
                return pod if pod is not None and _is(pod, uid) else None

    async def run(self) -> None:
        """Lists and watches until it is cancelled."""
        failed = 0
        while True:
            try:
                api = await cluster.connect()
                if self._version is None:
                    self._fill(*await cluster.list_all(api, self.namespace, _SELECTOR))
                    failed = 0
                async with aclosing(cluster.watch(api, self.namespace, _SELECTOR, self._version or "")) as events:
                    async for kind, pod in events:
                        failed, self._error = 0, None
                        self._take(kind, pod)
                failed, self._error = 0, None
            except cluster.GoneError:
                self._version = None
            except Exception as error:  # noqa: BLE001 - all who follow a pod would wait for ever
                failed += 1
                self._error = error
                self._tried.set()
                if failed >= _TOLD_ATTEMPT:
                    self._cuts, self._cut = self._cuts + 1, error
                if failed >= _TOLD_ATTEMPT or cluster.is_final(error):
                    self._wake(
                        *self._waiting
                    )  # a missing right ends all who wait; whoever comes later may have more luck
            await _pause(failed)

    def _fill(self, pods: list[Pod], version: str) -> None:
        there = {pod["metadata"]["name"]: _light(pod) for pod in pods}
        for name in self._pods.keys() - there.keys():
            self._go(name)
        self._pods, self._version, self._error = there, version, None
        self._tried.set()
        self._wake(*self._waiting)

    def _take(self, kind: str, pod: Pod) -> None:
        meta = pod["metadata"]
        self._version = meta.get("resourceVersion") or self._version
        name = meta.get("name")
        if name is None:  # a bookmark
            return
        if kind == "DELETED":
            self._go(name, pod)
        else:
            self._pods[name] = _light(pod)
        self._wake(name)

    def _go(self, name: str, pod: Pod | None = None) -> None:
        """Remembers the last that is known of a pod that somebody follows."""
        known = self._pods.pop(name, None)
        if name in self._waiting and (last := pod or known) is not None:
            self._gone[name] = last

    def _wake(self, *names: str) -> None:
        for name in names:
            for news in self._waiting.get(name, ()):
                news.set()


def _light(pod: Pod) -> Pod:
    """Without the notes of who wrote which field, a third of a pod."""
    pod["metadata"].pop("managedFields", None)
    return pod


def _is(pod: Pod, uid: str | None) -> bool:
    return uid is None or pod["metadata"].get("uid") == uid


async def _pause(failed: int) -> None:
    """Waits before another attempt, the longer the more have failed, and not all as long as each other."""
    seconds = min(_AGAIN_SECONDS * 2 ** min(failed, 6), _LONGEST_SECONDS)
    await asyncio.sleep(seconds * random.uniform(0.5, 1.5))  # noqa: S311 - no secret


def pods_of(namespace: str) -> AbstractAsyncContextManager[Pods]:
    """This event loop's one look at a namespace, for as long as anybody has a use for it."""
    return shared(namespace, lambda: Pods(namespace))
