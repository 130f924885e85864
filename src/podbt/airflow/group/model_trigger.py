"""The trigger of a model's task: it reads the model's state off the group's pod, or runs the model alone."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from airflow.triggers.base import TaskFailedEvent, TaskSkippedEvent, TaskSuccessEvent, TriggerEvent

from podbt.airflow import api, trigger
from podbt.airflow.catalog import known_plan
from podbt.airflow.group.duty import Duty, Kind, Verdict, judge, report
from podbt.airflow.group.place import ENDED, TOLD, Place, members_of, task_of
from podbt.airflow.group.watch import Watch, wait_for_others, watching
from podbt.airflow.left import end_if_left
from podbt.airflow.links import page_xcom
from podbt.airflow.observe.told import told as told_of
from podbt.airflow.observe.trigger import ObservedTrigger
from podbt.airflow.pods.follow import PodFollower
from podbt.airflow.pods.places import key_of, unpacked
from podbt.airflow.pods.progress import PodProgress, born
from podbt.airflow.resolve import pod_settings, resolve_pod, wait_for_plan
from podbt.contract.exact import criteria
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import Command
from podbt.contract.outcome import Outcome, refusal
from podbt.contract.plans import plan_with
from podbt.contract.record import to_json
from podbt.contract.result import ModelResult
from podbt.contract.settings.kubernetes import Settings
from podbt.errors import ConfigError, PodbtError
from podbt.pod.whose import Owner, names_of

_PATIENCE_SECONDS: Final = 5.0


class ModelTrigger(ObservedTrigger):
    """Ends one try of a model's task.

    A try that is older than the group's pod is served by that pod. A younger one (a retry, or cleared by a person)
    runs alone: after the group's pod has ended, after the models that it reads, in a pod of its own.

    Args:
        pod: task_id of the group's pod task.
        node: unique_id; None for the task of the tests that belong to no node.
        at: Places by key of the node and its tests, see `Duty` and `packed`.
        plan: Hash of the plan that they are places in.
        beside: task_ids of members that its tests read and that are not its ancestors.
        step: Fields of `Step` for running alone, without the selection; templates rendered.
        overrides: Fields of `Settings` that replace the file's.
        parents: task_ids of the members that it reads. A trigger of an earlier release asks its task for them.
        fail_on_worker: Whether a failure needs a worker to be tried again (Airflow 3.2).
    """

    operator = "ModelTask"

    def __init__(
        self,
        pod: str,
        node: str | None,
        at: str,
        *,
        plan: str,
        beside: Sequence[str] = (),
        step: Mapping[str, Any] | None = None,
        overrides: Mapping[str, Any] | None = None,
        parents: Sequence[str] | None = None,
        fail_on_worker: bool = False,
    ) -> None:
        super().__init__()
        self.pod = pod
        self.node = node
        self.at = at
        self.plan = plan
        self.beside = list(beside)
        self.step = dict(step or {})
        self.overrides = dict(overrides or {})
        self.parents = parents
        self.fail_on_worker = fail_on_worker
        self._duty = Duty(node=key_of(node) if node else None, at=unpacked(at), plan=plan)
        self._follower: PodFollower | None = None
        self._ended = False

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow stores to make this trigger again."""
        names = ["pod", "node", "at", "plan", "beside", "step", "overrides", "parents"]
        names += ["fail_on_worker"] if self.fail_on_worker else []
        return "podbt.airflow.group.model_trigger.ModelTrigger", {name: getattr(self, name) for name in names}

    async def work(self) -> AsyncGenerator[TriggerEvent, None]:
        """Yields one event. Never raises: Airflow would start a worker only to fail the task."""
        try:
            event = await self._event()
        except asyncio.CancelledError:
            end_if_left(self._follower, self)
            raise
        except PodbtError as error:
            self.log.warning("%s", error)
            event = _refused(refusal(error))
        except Exception as error:
            self.log.exception("Following the model failed")
            said = f"{type(error).__name__}: {error}"
            event = _failed(ModelResult(exit_reason=ExitReason.LOST, error=said))
        self._ended = True
        await trigger.let_go(self._follower, self)
        if not isinstance(event, TaskSuccessEvent):
            await asyncio.sleep(trigger.LOG_SECONDS)
        if isinstance(event, TaskFailedEvent) and self.fail_on_worker:
            event = TriggerEvent({"summary": (event.xcoms or {})["return_value"], "retryable": True})
        yield _with_link(event)

    async def on_kill(self) -> None:
        """A person marked or cleared the task. The group's pod is not the task's own, and goes on."""
        if self._follower is not None and not self._ended:
            self.log.info("The task was stopped by hand; deleting its pod")
            await self._follower.delete(now=True)

    async def _event(self) -> TriggerEvent:
        settings = pod_settings(self.overrides)
        ti: Any = self.task_instance
        place = Place(
            owner=Owner.of(settings),
            namespace=settings.namespace,
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            pod_task_id=self.pod,
        )
        async with watching(place) as watch:
            await watch.ready()
            verdict, pod = await self._served(watch)
            if verdict.kind is Kind.LOST:
                return self._lost(pod)
            if pod is not None and verdict.kind in {Kind.DONE, Kind.FAILED}:
                return self._told(verdict.kind, pod, settings)
            if missing := await self._wait_for_parents(watch):
                self.log.warning("Not run: %s. Once that is mended, clear this task.", missing)
                return TaskSkippedEvent(xcoms={"return_value": {"status": "skipped", "error": missing}})
            async with watch.slots:
                return await self._alone(watch.place, verdict.rest or tuple(self._duty.at))

    async def _served(self, watch: Watch) -> tuple[Verdict, PodProgress | None]:
        """What the group's pods have to say to this try, once it is final."""
        ti: Any = self.task_instance
        duty = replace(self._duty, rerun=ti.try_number > 1)
        patience = time.monotonic() + _PATIENCE_SECONDS
        while True:
            serving = [one for one in reversed(watch.pods) if one.serves(ti.id)]
            pod = serving[0] if serving else None
            verdict = judge(duty, pod) if pod else Verdict(kind=Kind.WAIT)
            if verdict.kind in {Kind.DONE, Kind.FAILED, Kind.REST}:
                return verdict, pod
            for older in serving[1:]:  # a later try of the pod leaves out what an earlier one built
                if judge(duty, older).kind is Kind.DONE:
                    return Verdict(kind=Kind.DONE), older
            if pod is not None and not pod.ended:
                await watch.news(keys=duty.at)
                continue
            if pod is None and time.monotonic() < patience:  # mostly it is about to be made
                await watch.news(_PATIENCE_SECONDS)
                continue
            # No pod at work. Another one comes unless Airflow is done with the pod's task.
            state = (await watch.states()).get(watch.place.pod_task_id)
            if pod is not None and not pod.ended:
                continue
            if state in ENDED:
                return await self._after(watch.place, state, pod)
            await watch.news(2.0)

    async def _after(
        self, place: Place, state: str | None, pod: PodProgress | None
    ) -> tuple[Verdict, PodProgress | None]:
        """As `_served`, when no pod of the group will come any more."""
        ti: Any = self.task_instance
        duty = replace(self._duty, rerun=ti.try_number > 1)
        verdict = judge(duty, pod) if pod else None
        if verdict is not None and verdict.kind not in {Kind.WAIT, Kind.LOST}:
            return verdict, pod
        # Not all of it was seen here. The pod's own task followed it, too, and left what that had seen.
        told = await asyncio.to_thread(api.xcom, place.dag_id, place.run_id, place.pod_task_id, TOLD)
        known = PodProgress.from_xcom(told) if told else None
        if known and known.serves(ti.id) and (pod is None or known.name == pod.name):
            second = judge(duty, known)
            return (Verdict(kind=Kind.LOST) if second.kind is Kind.WAIT else second), known
        if pod is not None:
            return Verdict(kind=Kind.LOST), pod
        if told:
            return Verdict(kind=Kind.ABSENT), None  # cleared since: runs alone
        # Nothing is known of any pod: where somebody marked the pod's task a success, the models run alone.
        return Verdict(kind=Kind.ABSENT if state == "success" else Kind.LOST), None

    def _lost(self, pod: PodProgress | None) -> TriggerEvent:
        why = pod.lost if pod else "The group's pod did not start."
        if pod is not None and pod.began:
            self.log.error("%s This model had not ended.", why)
            return _failed(ModelResult(status="lost", exit_reason=ExitReason.LOST, error=why))
        # One red task is enough: the pod's own, which says why.
        self.log.warning("dbt did not begin (%s). See task %s, and clear it together with its group.", why, self.pod)
        return TaskSkippedEvent(xcoms={"return_value": {"status": "skipped", "error": why}})

    def _told(self, kind: Kind, pod: PodProgress, settings: Settings) -> TriggerEvent:
        text, result = report(self._duty, pod)
        target = self.step.get("target") or settings.target
        result = result.model_copy(update={"unique_id": self.node, "target": target, "pod": pod.name})
        if kind is Kind.DONE:
            self.log.info("%s", text)
            return _done(result)
        self.log.error("%s", text)
        return _failed(result)

    async def _wait_for_parents(self, watch: Watch) -> str | None:
        """Returns when all that it reads has been built, or says what has not been and will not be."""
        parents = self.parents
        if parents is None:
            task = task_of(self)
            members = members_of(getattr(task, "dag", None), self.pod)
            parents = sorted(task.upstream_task_ids & members.keys()) if task else []
        said = False
        while True:
            states = await watch.states()
            gone = sorted(one for one in parents if states.get(one) in ENDED - {"success", "removed"})
            if gone:
                return f"{', '.join(gone)} is {states[gone[0]]}"
            waits = sorted(one for one in [*parents, *self.beside] if states.get(one) not in ENDED)
            if states.get(watch.place.pod_task_id) not in ENDED:
                waits.append(watch.place.pod_task_id)
            if not waits:
                return None
            if not said:
                self.log.info("Waiting for %s, then running alone", ", ".join(waits))
                said = True
            await watch.news(2.0)

    async def _alone(self, place: Place, keys: tuple[str, ...]) -> TriggerEvent:
        ti: Any = self.task_instance
        identity = api.identity_of(ti)
        await wait_for_plan(self.overrides, self.log)
        selection = self._selection(set(keys))
        settings, step = resolve_pod({**self.step, **selection, "resume": False, "events": True}, self.overrides)
        step = await asyncio.to_thread(told_of, step, settings, ti)
        names = names_of(identity, settings.instance)
        await wait_for_others(place, names, [place.pod_task_id, identity.task_id], self.log)
        told = PodProgress(name=names[0], created=born(ti.id))
        self._follower = PodFollower(settings, step, identity, self.log, told.feed)
        outcome = await self._follower.follow()
        told.artifacts = outcome.summary.artifacts
        text, result = report(
            Duty(node=self._duty.node, at={key: self._duty.at[key] for key in keys}, plan=self.plan), told
        )
        known = {"unique_id": self.node, "target": outcome.summary.target, "pod": self._follower.name}
        result = result.model_copy(update=known)
        if outcome.ok:
            self.log.info("%s", text)
            return _done(result)
        result = result.model_copy(update={"exit_reason": outcome.summary.exit_reason})
        self.log.error("%s\n%s", outcome.line, text)
        return _failed(result) if outcome.retryable else _refused(outcome)

    def _selection(self, keys: set[str]) -> dict[str, Any]:
        """Exactly the node and its own tests: by the plan that the task was made from where its image is known still.

        Else by the plan of the image that runs now.
        """
        settings = pod_settings(self.overrides)
        own = plan_with(settings.plan, self.plan) if settings.plan else None
        found = own or known_plan(settings)
        if found is None:
            raise ConfigError("A model runs alone only where the settings name the image's plan. Set plan.")
        plan = found.on(self.step.get("target") or settings.target)
        nodes = [unique_id for unique_id in plan.nodes if key_of(unique_id) in keys]
        if self.node and self._duty.node in keys and self.node not in nodes:
            raise ConfigError(f"The image's plan has no {self.node} any more. Clear the whole group.")
        flags = list(self.step.get("flags", ()))
        if self.step.get("command", Command.BUILD) == Command.BUILD:
            flags += ["--indirect-selection", "empty"]
        pinned = {"plan_hash": self.plan} if own else {}
        return {"select": criteria(plan.nodes, nodes), "flags": flags, **pinned}


def _with_link(event: TriggerEvent) -> TriggerEvent:
    """With the address of the run's page, which nobody else leaves for a task without a worker."""
    if not isinstance(event, TaskSuccessEvent | TaskFailedEvent):
        return event
    result: Any = (event.xcoms or {}).get("return_value", {})
    return type(event)(
        xcoms={**(event.xcoms or {}), **page_xcom(result.get("artifacts"), node=result.get("unique_id"))}
    )


def _done(result: ModelResult) -> TriggerEvent:
    return TaskSuccessEvent(xcoms={"return_value": to_json(result)})


def _failed(result: ModelResult) -> TriggerEvent:
    return TaskFailedEvent(xcoms={"return_value": to_json(result)})


def _refused(outcome: Outcome) -> TriggerEvent:
    """Only a worker can fail a task without its retries."""
    return TriggerEvent({"summary": to_json(outcome.summary), "retryable": outcome.retryable})
