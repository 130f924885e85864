"""On Airflow 3.2 a trigger is not told why it is cancelled: a person stopped its task, or the triggerer goes away.

What tells them apart is the task's own state. Airflow 3.3 calls the trigger's on_kill instead.
"""

import asyncio
import contextvars
import logging
from typing import Final

from airflow.triggers.base import BaseTrigger

from podbt.airflow.api import identity_of, state_of
from podbt.airflow.pods.follow import PodFollower
from podbt.airflow.supported import STARTS_IN_TRIGGER
from podbt.contract.record import RunIdentity

_ATTEMPTS: Final = 5
_SECONDS: Final = 1.0
"""Between the first two attempts; each later pause is twice as long."""

_DEFERRED: Final = "deferred"

_log = logging.getLogger(__name__)
_background: set[asyncio.Task[None]] = set()


def end_if_left(follower: PodFollower | None, trigger: BaseTrigger) -> None:
    """Ends the pod of a cancelled trigger, unless its task still waits for it.

    Returns at once: a triggerer that goes away cancels this, too, and one that stays cancels the trigger again and
    again until it is gone.

    Args:
        follower: Of the pod; None where there was none yet.
        trigger: A triggerer attaches a task instance to it.
    """
    if STARTS_IN_TRIGGER or follower is None or trigger.task_instance is None:
        return
    work = _end(follower, identity_of(trigger.task_instance))
    # In a context of its own: the log of the trigger, whose context this is, is being closed.
    task = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
    _background.add(task)
    task.add_done_callback(_background.discard)


async def _end(follower: PodFollower, identity: RunIdentity) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            state = await asyncio.to_thread(state_of, identity)
        except Exception as error:  # noqa: BLE001 - whatever it is, without an answer the pod is not ours to end
            _log.warning("Airflow does not tell the state of %s (%s); its pod goes on", identity.task_id, error)
            await asyncio.sleep(_SECONDS * 2**attempt)
            continue
        if state != _DEFERRED:
            _log.info("Task %s of run %s was stopped by hand; deleting its pod", identity.task_id, identity.run_id)
            await follower.delete(now=True)
        return
