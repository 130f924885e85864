"""Follows one pod from creation to its end, for a trigger or for a worker's own event loop."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from typing import Any, Final, Protocol

from kubernetes_asyncio import client

from podbt.airflow.pods import cluster
from podbt.contract.exits import ExitReason
from podbt.contract.outcome import Outcome, failure
from podbt.contract.settings import Settings
from podbt.pod.state import has_ended, has_started, outcome_of, startup_problem, waiting_reason, why_pending

_TICK_SECONDS: Final = 2.0
_IDLE_SECONDS: Final = 30.0
_LOG_END_SECONDS: Final = 10.0
_PATIENCE_SECONDS: Final = 10.0
"""How long a pod may wait for a node, a volume or an image before its log says for what."""

_DEADLINE_MARGIN_SECONDS: Final = 60
_BUSY: Final = frozenset({409, 429, 500, 502, 503, 504})


class Log(Protocol):
    """The part of a logger that is used here."""

    def info(self, message: str, *args: object) -> None: ...
    def warning(self, message: str, *args: object) -> None: ...


class PodFollower:
    """Creates a pod or attaches to the one that is there, copies its log, and tells how it ended.

    Attributes:
        created: When the API server made the pod; None until it was seen.
        leave: Whether the pod ended by itself and may be looked at for a while, rather than be deleted at once.
    """

    def __init__(
        self, settings: Settings, manifest: dict[str, Any], log: Log, on_line: Callable[[str], bool] | None = None
    ) -> None:
        """Follows no pod yet.

        Args:
            settings: Where the pod runs.
            manifest: The pod to create.
            log: Where its lines go.
            on_line: Gets each line first; True keeps it out of the log.
        """
        self._settings = settings
        self._manifest = manifest
        self._name: str = manifest["metadata"]["name"]
        self._log = log
        self._on_line = on_line or (lambda _: False)
        self._uid: str | None = None
        self._waiting = ("", time.monotonic())
        self._told = ""
        self._over = asyncio.Event()
        self.created: datetime | None = None
        self.leave = False

    async def follow(self) -> Outcome:
        """Returns once the pod has ended or never will start. Cancellation leaves the pod running."""
        api = await cluster.connect()
        refused = await self._create(api)
        if refused:
            return refused
        began, copying = time.monotonic(), None
        seen = _with_clock(cluster.states(api, self._settings.namespace, self._name, self._on_cut))
        try:
            async for pod, changed in seen:
                if pod is None:
                    if self._uid is None and time.monotonic() - began < _TICK_SECONDS * 5:
                        continue  # the list may come from a cache that has not seen the new pod
                    return failure(ExitReason.LOST, f"Pod {self._name} was deleted while it ran.")
                if copying is None and has_started(pod):
                    copying = asyncio.ensure_future(self._copy_log(api))
                outcome = await self._judge(api, pod, changed=changed)
                if outcome is not None:
                    self._over.set()
                    if copying is not None:
                        await asyncio.wait({copying}, timeout=_LOG_END_SECONDS)
                    return outcome
            raise AssertionError("the stream of states does not end")
        finally:
            await seen.aclose()
            if copying is not None and not copying.done():
                copying.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await copying

    async def delete(self, *, now: bool) -> None:
        """Deletes the pod, at once or after the settings' keep_finished_pod_seconds."""
        if not now:
            await asyncio.sleep(self._settings.keep_finished_pod_seconds)
        api = await cluster.connect()
        await cluster.delete(api, self._settings.namespace, self._name, self._settings.termination_grace_seconds)
        # Only now, with this pod's result read: a sweep at the start could delete the very pod to attach to.
        await cluster.sweep(api, self._settings.namespace, self._settings.keep_finished_pod_seconds)

    def _on_cut(self, error: Exception) -> None:
        self._log.warning("Watching pod %s was cut (%s: %s); going on", self._name, type(error).__name__, error)

    async def _create(self, api: client.CoreV1Api) -> Outcome | None:
        """Creates the pod, waiting for quota and through short outages of the API server."""
        deadline, wait = time.monotonic() + self._settings.startup_timeout_seconds, 1.0
        while True:
            try:
                created = await cluster.create(api, self._settings.namespace, self._manifest)
            except cluster.RefusedError as error:
                said = str(error)
                if error.status not in _BUSY and "exceeded quota" not in said:
                    return failure(ExitReason.CONFIG_ERROR, f"Pod {self._name} cannot be created: {said}")
            except cluster.TRANSIENT as error:
                said = f"{type(error).__name__}: {error}"
            else:
                self._log.info("Pod %s %s", self._name, "created" if created else "is there already, attached")
                return None
            if time.monotonic() > deadline:
                return failure(ExitReason.LOST, f"Pod {self._name} could not be created in time: {said}")
            self._log.warning("Pod %s is not created yet (%s); again in %.0f s", self._name, said, wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, 30.0)

    async def _judge(self, api: client.CoreV1Api, pod: dict[str, Any], *, changed: bool) -> Outcome | None:
        self._uid = pod["metadata"]["uid"]
        self.created = datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
        age = cluster.age_seconds(pod["metadata"]["creationTimestamp"])
        if has_ended(pod):
            if pod["metadata"].get("deletionTimestamp"):
                outcome = outcome_of(pod)
                return (
                    outcome if outcome.ok else failure(ExitReason.LOST, f"Pod {self._name} was deleted while it ran.")
                )
            self.leave = True
            return outcome_of(pod)
        if not has_started(pod):
            warnings = [] if changed else await cluster.events(api, self._settings.namespace, self._name)
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
            return failure(ExitReason.LOST, f"Pod {self._name} is past its deadline and its node does not end it.")
        return None

    def _tell_why(self, why: str) -> None:
        """Says once for what the pod waits: to the user it looks like dbt at work until it has started."""
        if why and why != self._told:
            self._told = why
            self._log.warning("Pod %s has not started yet: %s", self._name, why)

    async def _copy_log(self, api: client.CoreV1Api) -> None:
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
            lines = cluster.log_lines(api, self._settings.namespace, self._name, self._over)
            async with contextlib.aclosing(lines):
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
