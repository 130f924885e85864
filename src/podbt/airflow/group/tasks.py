"""The tasks of a model group. Small, since Airflow sends the whole DAG with every one that starts in its trigger."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pkgutil import resolve_name
from typing import Any, ClassVar

from airflow.sdk import AssetAlias, BaseOperator
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
)
from airflow.triggers.base import StartTriggerArgs

from podbt.airflow import api
from podbt.airflow.assets import ALIAS, emit, told
from podbt.airflow.group.place import ENDED, TOLD, members_of
from podbt.airflow.links import RunPageLink, enabled
from podbt.airflow.operator import DbtOperator
from podbt.airflow.supported import STARTS_IN_TRIGGER
from podbt.contract.kinds import ResourceType, RunStatus

_COLORS: Mapping[str, str] = {
    ResourceType.MODEL: "#4aa3c7",
    ResourceType.SEED: "#8bbf5a",
    ResourceType.SNAPSHOT: "#c79a4a",
    ResourceType.FUNCTION: "#9a6fc7",
}


class GroupPod(DbtOperator):
    """The pod that builds a group. Its failure means that dbt did not get to its end; nodes fail as their own tasks."""

    trigger_path = "podbt.airflow.group.triggers.GroupPodTrigger"
    events = True
    pods_alone = True  # nothing of another runtime could be followed as a group

    def _known_here(self, task_instance: Any) -> dict[str, Any]:
        return {**super()._known_here(task_instance), "members": members_of(self.dag, self.task_id)}

    def resume(self, context: Any, event: Any = None) -> Any:
        """Ends the task on a worker, and leaves what the pod told for its models."""
        if isinstance(event, Mapping) and event.get(TOLD):
            context["ti"].xcom_push(TOLD, event[TOLD])
        return super().resume(context, event)


class _InTrigger(BaseOperator):
    """A task that starts, and nearly always ends, in its trigger."""

    start_from_trigger = True
    # Its name alone, as DbtOperator's.
    trigger_path: ClassVar[str]
    waits_for_all: ClassVar[bool] = False
    """Whether its trigger ends only after all its upstream tasks, and not with the pod."""

    def __init__(self, *, trigger_kwargs: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Airflow would start a worker only to fail the task, and the pod has a deadline of its own.
        self.execution_timeout = None
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=self.trigger_path, next_method="resume", trigger_kwargs=trigger_kwargs
        )

    def execute(self, context: Any) -> Any:
        """Hands the task to its trigger, where the scheduler does not: Airflow 3.2, and `dag.test()`."""
        arguments = dict(self.start_trigger_args.trigger_kwargs or {})
        if api.is_alone():
            self._wait(context["ti"], arguments["pod"])
        complete = self._complete(arguments, context["ti"])
        self.defer(trigger=resolve_name(self.trigger_path)(**complete), method_name="resume")

    def _wait(self, ti: Any, pod: str) -> None:
        """Comes back later, where one task runs after the other: the trigger would wait for a task behind it."""
        states = api.task_states(ti.dag_id, ti.run_id)
        before: Iterable[str] = self.upstream_task_ids if self.waits_for_all else [pod]
        if any(states.get(task) not in ENDED for task in before):
            raise AirflowRescheduleException(datetime.now(UTC) + timedelta(seconds=1))

    def _complete(self, arguments: dict[str, Any], ti: Any) -> dict[str, Any]:
        """The trigger's arguments, with what a worker knows and the trigger may not find out."""
        raise NotImplementedError

    def resume(self, context: Any, event: Any = None) -> Any:
        """Ends the task on a worker, where only that can fail it without its retries."""
        if str(event) == RunStatus.SUCCESS:  # dag.test() passes on the state where the trigger ended the task
            return
        if str(event) == RunStatus.SKIPPED:
            raise AirflowSkipException("Not run; the log says why.")
        if isinstance(event, Mapping) and not event.get("retryable", True):
            api.leave_summary(context, event["summary"], self.log)
            raise AirflowFailException(event["summary"].get("error") or event["summary"]["exit_reason"])
        raise AirflowException("The model failed; its log says why.")


class ModelTask(_InTrigger):
    """A model, seed or snapshot with its tests."""

    template_fields: Sequence[str] = ("step", "overrides")
    operator_extra_links: ClassVar[tuple[Any, ...]] = (RunPageLink(),) if enabled() else ()
    trigger_path = "podbt.airflow.group.model_trigger.ModelTrigger"

    def __init__(self, *, step: dict[str, Any], overrides: dict[str, Any], kind: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step = step
        self.overrides = overrides
        self.ui_color = _COLORS.get(kind, "#9e9e9e")

    def wait_for(self, *, parents: Sequence[str], beside: Sequence[str]) -> None:
        """Names tasks that it waits for where it runs alone: its trigger is not told the DAG (podbt.airflow.triggerer).

        Args:
            parents: task_ids of those that it reads.
            beside: task_ids of those that its tests read and that are no ancestors of it: no edges, for dbt has none.
        """
        given = {"parents": list(parents), **({"beside": list(beside)} if beside else {})}
        self.start_trigger_args.trigger_kwargs = {**(self.start_trigger_args.trigger_kwargs or {}), **given}

    def _complete(self, arguments: dict[str, Any], ti: Any) -> dict[str, Any]:
        rendered = {"step": self.step, "overrides": self.overrides}
        return {**arguments, **rendered, "fail_on_worker": not STARTS_IN_TRIGGER and api.tries_again(ti)}


class FinishTask(_InTrigger):
    """Succeeds when the pod and every model of the group did."""

    trigger_path = "podbt.airflow.group.triggers.FinishTrigger"
    waits_for_all = True
    ui_color = "#dddddd"

    def _complete(self, arguments: dict[str, Any], ti: Any) -> dict[str, Any]:  # noqa: ARG002 - it has no retries
        return {**arguments, "members": sorted(members_of(self.dag, arguments["pod"]))}


class AssetsTask(BaseOperator):
    """Emits one asset event for each node that was built and not told yet.

    On a worker from the start, since only a worker emits asset events: by way of a trigger it would come there later.
    """

    ui_color = "#dddddd"

    def __init__(self, *, pod: str, **kwargs: Any) -> None:
        super().__init__(outlets=[AssetAlias(ALIAS)], **kwargs)
        self.pod = pod

    def execute(self, context: Any) -> Any:
        """Reads off the models' tasks what was built."""
        ti = context["ti"]
        states = api.task_states(ti.dag_id, ti.run_id)
        built = sorted(task for task in members_of(self.dag, self.pod) if states.get(task) == "success")
        results = [result for task_id in built if (result := api.decoded(ti.xcom_pull(task_ids=task_id)))]
        results = [result for result in results if result.get("pod")]  # a task that somebody marked a success has none
        # A first try has told nothing yet.
        before = told(ti, results) if ti.try_number > 1 else frozenset()
        count = emit(context, [one for one in results if (one["unique_id"], one["pod"]) not in before])
        self.log.info("%d asset events", count)
        return {"events": count}
