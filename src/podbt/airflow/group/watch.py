"""One look at the pods of a model group in one DAG run, shared by all triggers of its tasks in a triggerer.

Airflow's own shared streams (BaseEventTrigger) give a late subscriber nothing of what was said before, fail all
subscribers when the stream fails, and do not exist in `dag.test()`. Here a subscriber sees the state as it is now.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from datetime import datetime
from functools import partial
from typing import Any, Final

from kubernetes_asyncio import client

from podbt import constants
from podbt.airflow import api as airflow
from podbt.airflow.group.place import Place
from podbt.airflow.pods import cluster, namespace
from podbt.airflow.pods.follow import Log, end_of
from podbt.airflow.pods.progress import PodProgress
from podbt.airflow.pods.sharing import shared
from podbt.contract.layout import run_folder
from podbt.contract.record import RunIdentity
from podbt.pod.state import has_ended

_LOOK_SECONDS: Final = 1.0
_STATES_SECONDS: Final = 2.0
_NEWS_SECONDS: Final = 0.5
"""How long a node's end is held back for others that end meanwhile. A triggerer takes events in once a second, but runs
its whole database loop for each line of a log that comes alone."""

_UNANSWERED_SECONDS: Final = 60.0
_ALONE: Final = 4
_ALL: Final = "all"
_ANY: Final = "any"
"""Beside the keys of nodes: what concerns everybody, and those who want to hear of every node."""

_log = logging.getLogger(__name__)


class Watch:
    """What is known of a group: its pods, and on demand its tasks' states.

    Attributes:
        pods: Of the group's pod task, oldest first.
        slots: Of models that run in pods of their own, so many at one time.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.pods: list[PodProgress] = []
        self._states: dict[str, str | None] = {}
        self.slots = asyncio.Semaphore(_ALONE)
        self._uids: dict[str, PodProgress] = {}
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self._changed: set[str] = set()
        self._due: asyncio.TimerHandle | None = None
        self._wanted = False
        self._asked = 0.0
        self._said = ""
        self._looked = asyncio.Event()
        self._readers: set[asyncio.Task[None]] = set()

    async def news(self, seconds: float = 30.0, keys: Iterable[str] | None = None) -> None:
        """Returns when something has changed, or after that time.

        Args:
            seconds: That time.
            keys: Of the nodes that the caller answers for: what is told of any other one is no news to it. With a
                thousand tasks that all woke for each line, a group's cost would grow with the square of its size.
        """
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        places = [_ALL, *([_ANY] if keys is None else keys)]
        for place in places:
            self._waiting.setdefault(place, set()).add(told)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(told, seconds)
        finally:
            for place in places:
                self._waiting[place].discard(told)

    async def ready(self) -> None:
        """Returns once the cluster has told its pods, or has not for a minute."""
        await self._looked.wait()

    async def states(self) -> dict[str, str | None]:
        """Airflow's states of the group's tasks, from after this call: older ones may be from before a clear."""
        called = time.monotonic()
        while self._asked < called:
            self._wanted = True
            await self.news(_STATES_SECONDS)
        return self._states

    def changed(self, *keys: str) -> None:
        """Tells those who wait, a moment later, since changes come in bursts.

        Args:
            keys: Of the nodes that have changed; none where it concerns everybody.
        """
        self._changed |= {*keys, _ANY} if keys else {_ALL}
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(_NEWS_SECONDS, self._tell)

    def _tell(self) -> None:
        self._due = None
        places, self._changed = self._changed, set()
        for told in set().union(*(self._waiting.get(place, ()) for place in places)):
            if not told.done():
                told.set_result(None)

    async def run(self) -> None:
        """Looks until it is cancelled. Never raises: its readers would all wait for ever."""
        async with namespace.pods_of(self.place.namespace) as there:
            await self._run(there)

    async def _run(self, there: namespace.Pods) -> None:
        answered = time.monotonic()
        try:
            while True:
                if await self._tried(partial(self._look, there)):
                    answered = time.monotonic()
                    await self._tried(self._ask)
                elif time.monotonic() - answered > _UNANSWERED_SECONDS:
                    # Airflow's states count beside the pods. Without these, they still end whoever waits for a pod.
                    self._looked.set()
                    await self._tried(self._ask)
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            for reader in self._readers:
                reader.cancel()
            await asyncio.gather(*self._readers, return_exceptions=True)

    async def _tried(self, step: Callable[[], Awaitable[None]]) -> bool:
        try:
            await step()
        except Exception as error:  # noqa: BLE001 - all who wait here would wait for ever
            if self._said != str(error):  # once, not once a second
                _log.warning("Watching the pods of %s was cut (%s); going on", self.place.pod_task_id, error)
            self._said = str(error)
            return False
        return True

    async def _look(self, there: namespace.Pods) -> None:
        # While a pod is at work, its own follower tells everything; another one comes only after its end.
        if not self.pods or self.pods[-1].ended:
            for pod in await there.all():
                if pod["metadata"]["uid"] not in self._uids and self.place.holds(pod):
                    self._add(await cluster.connect(), pod)
        self._looked.set()

    def _add(self, api: client.CoreV1Api, pod: dict[str, Any]) -> None:
        meta = pod["metadata"]
        identity = RunIdentity(
            dag_id=self.place.dag_id,
            run_id=self.place.run_id,
            task_id=self.place.pod_task_id,
            try_number=int(meta["labels"][f"{constants.LABEL_PREFIX}/try-number"]),
        )
        found = PodProgress(
            name=meta["name"],
            created=datetime.fromisoformat(meta["creationTimestamp"]),
            artifacts=run_folder(identity),
            resumed=identity.try_number > 1 and _env(pod).get(constants.ENV_RESUME) != "0",
        )
        self._uids[meta["uid"]] = found
        self.pods = sorted([*self.pods, found], key=lambda one: one.created)
        reader = asyncio.get_running_loop().create_task(self._follow(api, found, meta["uid"]))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)

    async def _follow(self, api: client.CoreV1Api, found: PodProgress, uid: str) -> None:
        """Follows one pod to its end."""

        async def read(lines: AsyncGenerator[str, None]) -> None:
            async with aclosing(lines):
                async for line in lines:
                    if (keys := found.take(line)) is not None:
                        self.changed(*keys)

        try:
            outcome = await end_of(api, self.place.namespace, found.name, uid=uid, read=read, seen=True)
            found.lost = outcome.line
        except Exception as error:  # noqa: BLE001 - all who wait for its end would wait for ever
            found.lost = f"Pod {found.name} cannot be watched: {error}"
        found.ended = True
        self.changed()

    async def _ask(self) -> None:
        if self._wanted and time.monotonic() - self._asked >= _STATES_SECONDS:
            self._wanted, began = False, time.monotonic()
            self._states, self._asked = await task_states(self.place), began
            self.changed()


def watching(place: Place) -> AbstractAsyncContextManager[Watch]:
    """This event loop's one look at a group, for as long as anybody has a use for it."""
    return shared(place, lambda: Watch(place))


def _env(pod: dict[str, Any]) -> dict[str, str]:
    """The variables of the container `dbt`, which need not be the first: others may have been put before it."""
    (dbt,) = (one for one in pod["spec"]["containers"] if one["name"] == constants.CONTAINER_NAME)
    return {item["name"]: item.get("value", "") for item in dbt.get("env") or []}


async def pods_of(api: client.CoreV1Api, place: Place, task_ids: Iterable[str]) -> list[dict[str, Any]]:
    """The pods of these tasks in this run that are there, oldest first."""
    wanted = set(task_ids)
    label = f"{constants.LABEL_PREFIX}/task-id"  # the annotation holds the exact id
    found = []
    for pod in await cluster.find(api, place.namespace, place.owner.run_selectors(place.dag_id, place.run_id)):
        task_id = str(pod["metadata"].get("annotations", {}).get(label))
        if task_id in wanted:
            found.append(pod)
    return found


async def wait_for_others(place: Place, names: Collection[str], task_ids: Iterable[str], log: Log) -> None:
    """Returns when no pod but those named can be writing the tables of these tasks."""
    said = False
    while True:
        try:
            pods = await pods_of(await cluster.connect(), place, task_ids)
        except cluster.TRANSIENT as error:
            if cluster.is_final(error):
                raise
            others = [f"? ({error})"]
        else:
            others = [pod["metadata"]["name"] for pod in pods if not has_ended(pod)]
        if not set(others).difference(names):
            return
        if not said:
            log.info("Waiting for the end of pod %s", ", ".join(others))
            said = True
        await asyncio.sleep(_LOOK_SECONDS)


async def task_states(place: Place) -> dict[str, str | None]:
    """Airflow's states of the run's tasks."""
    return await asyncio.to_thread(airflow.task_states, place.dag_id, place.run_id)
