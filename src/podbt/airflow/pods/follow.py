"""Follows one pod to its end, for a trigger or for a worker's own event loop."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final, Protocol

from kubernetes_asyncio import client

from podbt.airflow.pods import cluster
from podbt.airflow.pods.namespace import Pods, pods_of
from podbt.contract.exits import ExitReason
from podbt.contract.outcome import Outcome, failure
from podbt.contract.record import RunIdentity
from podbt.contract.settings.kubernetes import Settings
from podbt.contract.step import Step
from podbt.pod import whose
from podbt.pod.build import pod_manifest
from podbt.pod.state import has_ended, has_started, outcome_of, startup_problem, waiting_reason, why_pending

_TICK_SECONDS: Final = 2.0
_IDLE_SECONDS: Final = 30.0
_UNSEEN_SECONDS: Final = 10.0
"""How long a pod that has been made may be missing: a list can come from a cache that has not seen it yet."""

_LOG_END_SECONDS: Final = 10.0
_PATIENCE_SECONDS: Final = 10.0
"""How long a pod may wait for a node, a volume or an image before its log says for what."""

_STOPPED: Final = frozenset({ExitReason.INTERRUPTED, ExitReason.LOST})
"""How a run ends whose pod is deleted under it."""

_DEADLINE_MARGIN_SECONDS: Final = 60
_BUSY: Final = frozenset({409, 429, 500, 502, 503, 504})

_background: set[asyncio.Task[None]] = set()


class Log(Protocol):
    """The part of a logger that is used here."""

    def info(self, message: str, *args: object) -> None: ...
    def warning(self, message: str, *args: object) -> None: ...


class Judge(Protocol):
    """Sees each state of a pod that is there, also one that has not changed for a while. What it returns is the end."""

    async def __call__(self, pod: dict[str, Any], *, changed: bool) -> Outcome | None: ...


async def end_of(
    api: client.CoreV1Api,
    namespace: str,
    name: str,
    *,
    uid: str | None,
    read: Callable[[AsyncGenerator[str, None]], Coroutine[Any, Any, None]],
    judge: Judge | None = None,
    on_cut: Callable[[Exception], None] = lambda _: None,
    seen: bool = False,
) -> Outcome:
    """Follows a pod that has been made, and reads its log meanwhile.

    Args:
        api: The client.
        namespace: The pod's.
        name: The pod's.
        uid: The one that is meant; None for whichever has that name.
        read: Takes in the lines of the log, from when there is one.
        judge: Looks at it, too.
        on_cut: Told each time that the connection was lost.
        seen: Whether the pod was there already, so that one that is not there is gone.

    Returns:
        How the pod ended, with its log read; or what `judge` said.
    """
    began, over = time.monotonic(), asyncio.Event()
    reading: asyncio.Task[None] | None = None
    try:
        async with pods_of(namespace) as pods, aclosing(_with_clock(pods.states(name, uid, on_cut))) as states:
            async for pod, changed in states:
                if pod is None and not seen and time.monotonic() - began < _UNSEEN_SECONDS:
                    continue
                if pod is not None:
                    seen = True
                    if reading is None and has_started(pod):
                        lines = cluster.log_lines(api, namespace, name, over)
                        reading = asyncio.get_running_loop().create_task(read(lines))
                outcome = await judge(pod, changed=changed) if judge is not None and pod is not None else None
                if outcome := outcome or _end(pod, name):
                    over.set()
                    if reading is not None:
                        await asyncio.wait({reading}, timeout=_LOG_END_SECONDS)
                    return outcome
        raise AssertionError("the stream of states does not end")
    finally:
        if reading is not None:
            reading.cancel()
            await asyncio.wait({reading})


def _end(pod: dict[str, Any] | None, name: str) -> Outcome | None:
    """How a pod ended; None while it has not. One that is being deleted may have ended well, or badly, before."""
    if pod is not None and not has_ended(pod):
        return None
    outcome = outcome_of(pod) if pod is not None else None
    if outcome is None or (
        pod and pod["metadata"].get("deletionTimestamp") and outcome.summary.exit_reason in _STOPPED
    ):
        return failure(ExitReason.LOST, f"Pod {name} was deleted while it ran.")
    return outcome


class _ForeignError(Exception):
    """A pod has this try's name and is another's."""


class PodFollower:
    """The pod of one try of a step: creates it or attaches to it, copies its log, tells how it ended, deletes it.

    Attributes:
        name: The pod's.
        created: When the API server made the pod; None until it was seen.
        leave: Whether the pod ended by itself and may be looked at for a while, rather than be deleted at once.
    """

    def __init__(
        self,
        settings: Settings,
        step: Step,
        identity: RunIdentity,
        log: Log,
        on_line: Callable[[str], bool] | None = None,
    ) -> None:
        """Follows no pod yet.

        Args:
            settings: Where the pod runs.
            step: What it runs.
            identity: For whom.
            log: Where its lines go.
            on_line: Gets each line first; True keeps it out of the log.
        """
        self._settings = settings
        self._owner = whose.Owner.of(settings)
        self._manifest = pod_manifest(settings, step, identity)
        self._older_name = whose.names_of(identity, settings.instance)[1]
        self.name: str = self._manifest["metadata"]["name"]
        self._log = log
        self._on_line = on_line or (lambda _: False)
        self._uid: str | None = None
        self._waiting = ("", time.monotonic())
        self._asked = (time.monotonic(), _PATIENCE_SECONDS)
        self._known_events: list[dict[str, Any]] = []
        self._told = ""
        self._foreign = False
        self.created: datetime | None = None
        self.leave = False

    async def follow(self) -> Outcome:
        """Returns once the pod has ended or never will start. Cancellation leaves the pod running."""
        api = await cluster.connect()
        namespace = self._settings.namespace
        async with pods_of(namespace) as pods:
            if refused := await self._create(api, pods):
                return refused
            return await end_of(
                api,
                namespace,
                self.name,
                uid=self._uid,
                read=self._copy_log,
                judge=self._judge,
                on_cut=self._on_cut,
            )

    async def delete(self, *, now: bool) -> None:
        """Deletes the pod, at once or after the settings' keep_finished_pod_seconds; not one that is another's."""
        if self._foreign:
            return
        if not now:
            await asyncio.sleep(self._settings.keep_finished_pod_seconds)
        api = await cluster.connect()
        await cluster.delete(api, self._settings.namespace, self.name, self._settings.termination_grace_seconds)
        # Only now, with this pod's result read: a sweep at the start could delete the very pod to attach to.
        keep_seconds = self._settings.keep_finished_pod_seconds
        await cluster.sweep(api, self._settings.namespace, self._owner, keep_seconds)

    def delete_later(self) -> None:
        """Deletes the pod while the loop runs on: the event that its end became may get lost with the triggerer."""
        task = asyncio.get_running_loop().create_task(self.delete(now=not self.leave))
        _background.add(task)  # the loop keeps only weak references to tasks
        task.add_done_callback(_background.discard)

    def _on_cut(self, error: Exception) -> None:
        self._log.warning("Watching pod %s was cut (%s: %s); going on", self.name, type(error).__name__, error)

    async def _create(self, api: client.CoreV1Api, pods: Pods) -> Outcome | None:
        """Creates the pod or attaches to it, waiting for quota and through short outages of the API server."""
        deadline, wait = time.monotonic() + self._settings.startup_timeout_seconds, 1.0
        while True:
            try:
                if (said := await self._is_made(api, pods)) is None:
                    return None
            except _ForeignError as error:
                self._foreign = True
                return failure(ExitReason.CONFIG_ERROR, str(error))
            except cluster.RefusedError as error:
                said = str(error)
                if error.status not in _BUSY and "exceeded quota" not in said:
                    return failure(ExitReason.CONFIG_ERROR, f"Pod {self.name} cannot be created: {said}")
            except cluster.TRANSIENT as error:
                said = f"{type(error).__name__}: {error}"
            if time.monotonic() > deadline:
                return failure(ExitReason.LOST, f"Pod {self.name} could not be created in time: {said}")
            self._log.warning("Pod %s is not created yet (%s); again in %.0f s", self.name, said, wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, 30.0)

    async def _is_made(self, api: client.CoreV1Api, pods: Pods) -> str | None:
        """Creates the pod, or attaches to it where it is there already.

        Returns:
            None once it is there; else what has to go first.

        Raises:
            _ForeignError: The pod of that name is not this try's.
        """
        if await self._is_there_from_before(pods):
            return None
        if (made := await cluster.create(api, self._settings.namespace, self._manifest)) is not None:
            self._uid = made["metadata"].get("uid")
            self._log.info("Pod %s created", self.name)
            return None
        there = await cluster.get(api, self._settings.namespace, self.name)
        if there is None:
            return "a pod of that name was just deleted"
        refused = whose.refusal_of(there, self._manifest)
        if refused is None:
            self._attach(there)
        elif not self._owner.owns(there) or not (has_ended(there) or there["metadata"].get("deletionTimestamp")):
            raise _ForeignError(refused)
        return refused  # our own, of a DAG run that was deleted and made again: it goes soon

    async def _is_there_from_before(self, pods: Pods) -> bool:
        """Attaches to the pod that an earlier release made for this very try, under the name that it gave."""
        there = await pods.known(self._older_name)
        if there is None or not whose.is_older_pod_of(there, self._manifest, self._owner):
            return False
        self.name = self._older_name
        self._attach(there)
        return True

    def _attach(self, pod: dict[str, Any]) -> None:
        """A try keeps the image and plan that its pod was made with, whatever the settings say by now."""
        self._uid = pod["metadata"].get("uid")
        image = whose.image_of(pod)
        made = "" if image == self._settings.image else f"; it was made with image {image} and keeps it"
        self._log.info("Pod %s is there already, attached%s", self.name, made)

    async def _judge(self, pod: dict[str, Any], *, changed: bool) -> Outcome | None:
        self.created = datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
        age = cluster.age_seconds(pod["metadata"]["creationTimestamp"])
        if has_ended(pod):
            self.leave = not pod["metadata"].get("deletionTimestamp")
            return None
        if not has_started(pod):
            warnings = await self._warnings(age, changed=changed)
            reason, now = waiting_reason(pod), time.monotonic()
            if reason != self._waiting[0]:
                self._waiting = (reason, now)
            stuck = now - self._waiting[1]
            if age >= _PATIENCE_SECONDS and not changed:
                self._tell_why(why_pending(pod, warnings))
            return startup_problem(pod, warnings, self._settings, waited_seconds=age, stuck_seconds=stuck)
        # The kubelet enforces the deadline; this is for a node that no longer answers.
        # Both count from the start, not from the creation: a pod may wait long for a node.
        limit = self._settings.run_timeout_seconds + self._settings.termination_grace_seconds
        started = pod.get("status", {}).get("startTime") or pod["metadata"]["creationTimestamp"]
        if cluster.age_seconds(started) > limit + _DEADLINE_MARGIN_SECONDS:
            return failure(ExitReason.LOST, f"Pod {self.name} is past its deadline and its node does not end it.")
        return None

    async def _warnings(self, age: float, *, changed: bool) -> list[dict[str, Any]]:
        """The pod's events, where it is time to ask: nothing goes by them before, and a pod may wait long for a node.

        Soon after each change of the pod, then at longer and longer intervals.
        """
        now = time.monotonic()
        if changed:
            self._asked = (now, _PATIENCE_SECONDS)
            self._known_events = []
            return []
        due, pause = self._asked
        if age < _PATIENCE_SECONDS or now < due:
            return self._known_events
        self._asked = (now + pause, pause * 2)
        api = await cluster.connect()
        self._known_events = await cluster.events(api, self._settings.namespace, self.name)
        return self._known_events

    def _tell_why(self, why: str) -> None:
        """Says once for what the pod waits: to the user it looks like dbt at work until it has started."""
        if why and why != self._told:
            self._told = why
            self._log.warning("Pod %s has not started yet: %s", self.name, why)

    async def _copy_log(self, lines: AsyncGenerator[str, None]) -> None:
        """Copies the pod's log into the task's, in one message a second.

        The triggerer runs its whole database loop once for each message that a trigger logs.
        """
        pending: list[str] = []
        loop = asyncio.get_running_loop()

        def flush() -> None:
            if pending:
                self._log.info("%s", "\n".join(pending))
                pending.clear()

        try:
            async with aclosing(lines):
                async for line in lines:
                    if self._on_line(line):
                        continue
                    pending.append(line)
                    if len(pending) == 1:
                        loop.call_later(1, flush)
        finally:
            flush()


async def _with_clock(
    states: AsyncGenerator[dict[str, Any] | None, None],
) -> AsyncGenerator[tuple[dict[str, Any] | None, bool], None]:
    """Repeats the last state when nothing new comes, so that time alone can decide. The flag says: it is new."""
    state: dict[str, Any] | None = None
    upcoming: asyncio.Task[dict[str, Any] | None] | None = None
    try:
        while True:
            upcoming = upcoming or asyncio.ensure_future(anext(states))
            started = state is not None and has_started(state)
            await asyncio.wait({upcoming}, timeout=_IDLE_SECONDS if started else _TICK_SECONDS)
            fresh = upcoming.done()
            if fresh:
                state, upcoming = upcoming.result(), None
            elif state is None:
                continue
            yield state, fresh
    finally:
        if upcoming is not None and not upcoming.done():
            upcoming.cancel()
            await asyncio.wait({upcoming})
        await states.aclose()
