"""The trigger of a step: it creates the pod, follows it, and ends the task; or sends the task to a worker.

A task that ends from its trigger has no worker process that a signal could turn into a success, and no second start
that the scheduler could mistake for a failure (docs/adr/0003).
"""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any, Final

from airflow.triggers.base import BaseTrigger, TaskFailedEvent, TaskSkippedEvent, TaskSuccessEvent, TriggerEvent

from podbt.airflow.api import identity_of
from podbt.airflow.left import end_if_left
from podbt.airflow.links import page_xcom
from podbt.airflow.observe.told import told as told_of
from podbt.airflow.observe.trigger import ObservedTrigger
from podbt.airflow.pods import cluster
from podbt.airflow.pods.follow import PodFollower
from podbt.airflow.pods.progress import PodProgress
from podbt.airflow.resolve import resolve_pod, resolve_settings
from podbt.contract.exits import ExitReason
from podbt.contract.outcome import Outcome, failure, refusal
from podbt.contract.record import RunIdentity, to_json
from podbt.contract.settings.kubernetes import Settings
from podbt.errors import PodbtError

LOG_SECONDS: Final = 1.0
"""How long a failure waits for its log: a busy triggerer closes a task's log before it has read all of it."""


class DbtPodTrigger(ObservedTrigger):
    """Runs one try of a step in a pod.

    What travels with the task is small: the pod is built here, from the settings of where the triggerer runs.

    Args:
        step: Fields of `podbt.contract.step.Step`, templates rendered.
        overrides: Fields of `podbt.contract.settings.kubernetes.Settings` that replace the file's.
        identity: Fields of `RunIdentity`, for where no task instance is attached: a worker that defers does not know.
        resume_to_end: Whether a worker should see the end, for callbacks and asset outlets on success.
        fail_on_worker: Whether a failure needs a worker to be tried again (Airflow 3.2).
    """

    def __init__(
        self,
        step: dict[str, Any],
        overrides: dict[str, Any] | None = None,
        identity: dict[str, Any] | None = None,
        *,
        resume_to_end: bool = False,
        fail_on_worker: bool = False,
    ) -> None:
        super().__init__()
        self.step = step
        self.overrides = overrides or {}
        self.identity = identity
        self.resume_to_end = resume_to_end
        self.fail_on_worker = fail_on_worker
        self._follower: PodFollower | None = None
        self._told = PodProgress(name="", created=datetime.now(UTC))
        self._ended = False

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow stores to make this trigger again."""
        kwargs = {"step": self.step, "overrides": self.overrides, "identity": self.identity}
        given = {"fail_on_worker": True} if self.fail_on_worker else {}
        return "podbt.airflow.trigger.DbtPodTrigger", {**kwargs, "resume_to_end": self.resume_to_end, **given}

    async def work(self) -> AsyncGenerator[TriggerEvent, None]:
        """Yields one event. Never raises: Airflow would start a worker only to fail the task."""
        try:
            settings = resolve_settings(self.overrides)
            if not isinstance(settings, Settings):
                # Containers and processes are a worker's to start: the next try's trigger reads the settings again.
                yield TriggerEvent({"runtime": settings.runtime.value})
                return
            outcome = await self._outcome()
        except asyncio.CancelledError:
            end_if_left(self._follower, self)
            raise
        except PodbtError as error:
            outcome = refusal(error)
        except Exception as error:
            self.log.exception("Following the pod failed")
            outcome = failure(ExitReason.LOST, f"Following the pod failed: {type(error).__name__}: {error}")
        self._ended = True
        await let_go(self._follower, self)
        report = to_json(outcome.summary)
        if outcome.ok or outcome.skipped:
            self.log.info("dbt ended with %s, artifacts: %s", outcome.summary.exit_reason, outcome.summary.artifacts)
        else:
            self.log.error("%s", outcome.line)
            await asyncio.sleep(LOG_SECONDS)
        xcoms = {"return_value": report, **page_xcom(outcome.summary.artifacts)}
        if outcome.ok and not self.resume_to_end:
            yield TaskSuccessEvent(xcoms=xcoms)
        elif outcome.skipped and not self.resume_to_end:
            yield TaskSkippedEvent(xcoms=xcoms)
        elif not (outcome.ok or outcome.skipped) and outcome.retryable and not self.fail_on_worker:
            yield TaskFailedEvent(xcoms=xcoms)
        else:
            # Only a worker can fail a task without its retries, or run a success callback.
            event = {"summary": report, "retryable": outcome.retryable}
            built = self._told.built_nodes(outcome.summary) if outcome.ok else []
            more = {"built": built, "shown": outcome.shown}
            yield TriggerEvent({**event, **{key: value for key, value in more.items() if value}})

    async def on_kill(self) -> None:
        """A person marked the task or cleared it: the pod has no reader any more. Never runs at a restart."""
        if self._follower is not None and not self._ended:
            self.log.info("The task was stopped by hand; deleting its pod")
            await self._follower.delete(now=True)

    async def _outcome(self) -> Outcome:
        settings, step = resolve_pod(self.step, self.overrides)
        step = await asyncio.to_thread(told_of, step, settings, self.task_instance)
        self._follower = PodFollower(settings, step, self._identity(), self.log, self._told.feed)
        return await self._follower.follow()

    def _identity(self) -> RunIdentity:
        if self.task_instance is None:
            return RunIdentity.parse(self.identity, source="trigger")
        return identity_of(self.task_instance)


async def let_go(follower: PodFollower | None, trigger: BaseTrigger) -> None:
    """Deletes the pod that a trigger has followed to its end.

    Args:
        follower: Of the pod; None where there was none.
        trigger: A triggerer attaches a task instance to it, and goes on afterwards, with other triggers on the same
            client. `dag.test()` does neither, and its event loop ends with the trigger.
    """
    inline = trigger.task_instance is None
    if follower is not None and inline:
        await follower.delete(now=True)
    elif follower is not None:
        follower.delete_later()
    if inline:
        await cluster.disconnect()
