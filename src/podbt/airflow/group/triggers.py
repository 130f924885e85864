"""The triggers of a model group's own tasks: the pod, and the check at the end."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from airflow.triggers.base import TaskFailedEvent, TaskSuccessEvent, TriggerEvent

from podbt.airflow.group.place import ENDED, TOLD, Place, members_of, task_of
from podbt.airflow.group.watch import task_states, wait_for_others
from podbt.airflow.observe.trigger import ObservedTrigger
from podbt.airflow.pods.places import key_of, unpacked
from podbt.airflow.pods.progress import PodProgress
from podbt.airflow.resolve import pod_settings, wait_for_plan
from podbt.airflow.trigger import DbtPodTrigger
from podbt.contract.exits import ExitReason
from podbt.contract.outcome import Outcome, failure
from podbt.pod.whose import Owner, names_of

_WORK_SECONDS: Final = 2.0
_END_SECONDS: Final = 0.5
_UNANSWERED_SECONDS: Final = 5.0
"""Between two looks at the tasks' states: while the pod is at work, after its end, and when Airflow did not answer."""

_SHOWN = frozenset({ExitReason.NODE_FAILURE, ExitReason.TEST_FAILURE})


class GroupPodTrigger(DbtPodTrigger):
    """As a step's trigger, but nodes that failed are their own tasks' failure, not this one's.

    Args:
        members: What each task of the group answers for, see `members_of`; only where the trigger cannot know its DAG.
        kwargs: DbtPodTrigger's arguments.
    """

    operator = "GroupPod"

    def __init__(self, *, members: dict[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.members = members

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow stores to make this trigger again."""
        given = {} if self.members is None else {"members": self.members}
        return "podbt.airflow.group.triggers.GroupPodTrigger", {**super().serialize()[1], **given}

    async def work(self) -> AsyncGenerator[TriggerEvent, None]:
        """Yields one event, with all that the pod told as an XCom beside the summary."""
        async for event in super().work():
            told = self._told.to_xcom()
            if isinstance(event, TaskSuccessEvent | TaskFailedEvent):
                yield type(event)(xcoms={**(event.xcoms or {}), TOLD: told})
            else:
                yield TriggerEvent({**event.payload, TOLD: told})

    async def _outcome(self) -> Outcome:
        identity = self._identity()
        settings = pod_settings(self.overrides)
        place = Place(
            owner=Owner.of(settings),
            namespace=settings.namespace,
            dag_id=identity.dag_id,
            run_id=identity.run_id,
            pod_task_id=identity.task_id,
        )
        names = names_of(identity, settings.instance)
        self._told = PodProgress(name=names[0], created=datetime.now(UTC))
        if identity.try_number > 1:
            # A run that was cleared as a whole starts anew. After a lost pod, what the tasks show as built stays built.
            states = await task_states(place)
            built = any(states.get(task) == "success" for task in self._members())
            self.step = {**self.step, "resume": built}
            self._told.resumed = built
        await wait_for_others(place, names, [identity.task_id, *self._members()], self.log)
        await wait_for_plan(self.overrides, self.log)
        self._told.created = datetime.now(UTC)
        outcome = await super()._outcome()
        if self._follower is not None and self._follower.created is not None:
            # An earlier triggerer may have made the pod, and an earlier release under another name.
            self._told.created, self._told.name = self._follower.created, self._follower.name
        self._told.ended, self._told.lost = True, outcome.line
        self._told.artifacts = outcome.summary.artifacts
        if outcome.summary.exit_reason not in _SHOWN:
            return outcome
        return await self._with_tasks(place, outcome)

    async def _with_tasks(self, place: Place, outcome: Outcome) -> Outcome:
        """Failed nodes are no failure of the pod's task, as long as each has a task that can show it."""
        owners = {key: task_id for task_id, at in self._members().items() for key in unpacked(at)}
        states = await task_states(place)
        failing = {failed.unique_id for failed in outcome.summary.failures}
        failing |= {event.n for event in self._told.failed()}
        unseen = [
            unique_id
            for unique_id in sorted(failing)
            if key_of(unique_id) not in owners or states.get(owners[key_of(unique_id)]) == "success"
        ]
        if not failing or unseen:
            said = f"No task shows that {', '.join(unseen) or 'a node'} failed. {outcome.line}"
            return failure(outcome.summary.exit_reason, said)
        self.log.warning("%s. Each failed model's own task says so.", outcome.line)
        return Outcome(summary=outcome.summary.model_copy(update={"error": None}), retryable=True, shown=True)

    def _members(self) -> dict[str, str]:
        return members_of(getattr(task_of(self), "dag", None), self._identity().task_id) or self.members or {}


class FinishTrigger(ObservedTrigger):
    """Fails where the pod or a model did not succeed, so that a DAG run is never green over a failed model.

    It is there from the start: made at the end, it would cost every run two to three seconds.

    Args:
        pod: task_id of the group's pod task.
        members: task_ids of those that answer for nodes; only where no task is attached that tells them.
    """

    operator = "FinishTask"

    def __init__(self, pod: str, members: Sequence[str] | None = None) -> None:
        super().__init__()
        self.pod = pod
        self.members = members

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow stores to make this trigger again."""
        given = {} if self.members is None else {"members": list(self.members)}
        return "podbt.airflow.group.triggers.FinishTrigger", {"pod": self.pod, **given}

    async def work(self) -> AsyncGenerator[TriggerEvent, None]:
        """Yields one event. Never raises."""
        ti: Any = self.task_instance
        place = Place(owner=Owner(instance=""), namespace="", dag_id=ti.dag_id, run_id=ti.run_id, pod_task_id=self.pod)
        members = members_of(getattr(task_of(self), "dag", None), self.pod) or self.members or ()
        states = await self._all_ended([place.own("start"), self.pod, *members], place)
        if not states.keys() & set(members):
            self.log.error("No task of a model of this group is to be found, so nothing says that they succeeded")
            yield TaskFailedEvent(xcoms={"return_value": {"status": "failed", "counts": {}, "failed": []}})
            return
        bad = sorted(task for task, state in states.items() if state not in {"success", "removed"})
        counts = {state: list(states.values()).count(state) for state in sorted(set(map(str, states.values())))}
        if not bad:
            self.log.info("All %d tasks of the group succeeded", len(states))
            yield TaskSuccessEvent(xcoms={"return_value": {"status": "success", "counts": counts}})
            return
        failed = [task for task in bad if states[task] == "failed"] or bad
        self.log.error("%d of %d tasks did not succeed. Failed: %s", len(bad), len(states), ", ".join(failed[:20]))
        yield TaskFailedEvent(xcoms={"return_value": {"status": "failed", "counts": counts, "failed": failed[:20]}})

    async def _all_ended(self, task_ids: Sequence[str], place: Place) -> dict[str, str | None]:
        """The states of these tasks, as far as the run has them, once all have ended."""
        while True:
            seconds = _END_SECONDS
            try:
                found = await task_states(place)
            except Exception as error:  # noqa: BLE001 - whatever it is, the answer comes later
                self.log.warning("Airflow does not tell the tasks' states (%s); asking again", error)
                seconds = _UNANSWERED_SECONDS
            else:
                states = {task: found[task] for task in task_ids if task in found}
                if all(state in ENDED for state in states.values()):
                    return states
                if found.get(self.pod) not in ENDED:
                    seconds = _WORK_SECONDS
            await asyncio.sleep(seconds)
