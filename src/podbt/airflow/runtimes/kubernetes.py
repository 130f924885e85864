"""Runtime kubernetes on a worker that waits: the pod that a trigger would follow, followed by this process."""

import asyncio
from collections.abc import Callable
from typing import Any

from podbt.airflow.pods import cluster
from podbt.airflow.pods.follow import PodFollower
from podbt.contract.exits import ExitReason
from podbt.contract.outcome import Outcome, failure
from podbt.contract.record import RunIdentity
from podbt.contract.settings.kubernetes import Settings
from podbt.contract.step import Step


class PodRun:
    """One try of a step in a pod."""

    def __init__(
        self,
        settings: Settings,
        step: Step,
        identity: RunIdentity,
        log: Any,
        on_line: Callable[[str], bool] | None = None,
    ) -> None:
        self._follower = PodFollower(settings, step, identity, log, on_line)
        self._following: asyncio.Future[Outcome] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False

    def execute(self) -> Outcome:
        """Follows the pod to its end and deletes it."""
        return asyncio.run(self._follow())

    def stop(self) -> None:
        """Lets go of the pod, which is then deleted with its grace period."""
        self._stopping = True
        if self._loop is not None and self._following is not None:
            self._loop.call_soon_threadsafe(self._following.cancel)

    async def _follow(self) -> Outcome:
        self._loop = asyncio.get_running_loop()
        self._following = asyncio.ensure_future(self._follower.follow())
        if self._stopping:
            self._following.cancel()
        try:
            try:
                return await self._following
            except asyncio.CancelledError:
                if not self._stopping:
                    raise
                return failure(ExitReason.LOST, "The worker was told to stop while dbt ran.")
            finally:
                await self._follower.delete(now=True)
        finally:
            await cluster.disconnect()
