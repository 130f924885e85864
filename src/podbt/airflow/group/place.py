"""A model group of one DAG run, for its tasks and their triggers. Light: it is imported wherever a DAG is parsed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from podbt import constants

if TYPE_CHECKING:  # it brings the Kubernetes client, which parsing a DAG file does not need
    from podbt.pod.whose import Owner

ENDED: Final = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})
"""States of a task that nothing but a person changes."""

TOLD: Final = "podbt_told"
"""XCom of the group's pod task: its progress, for those who come when the pod is gone."""

POD: Final = "pod"
"""Name of that task; the ids of the group's other own tasks differ from its id in this alone."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which group of which run, and where its pods are and whose. A group is known by the task_id of its pod."""

    owner: "Owner"
    namespace: str
    dag_id: str
    run_id: str
    pod_task_id: str

    def own(self, name: str) -> str:
        """The task_id of one of the group's own tasks; there is no prefix where the group was told to give none."""
        return f"{self.pod_task_id.removesuffix(POD)}{name}"

    def holds(self, pod: Mapping[str, Any]) -> bool:
        """Whether a pod is one of the group's pod task."""
        annotations = pod["metadata"].get("annotations") or {}
        told = [annotations.get(f"{constants.LABEL_PREFIX}/{name}") for name in ("dag-id", "run-id", "task-id")]
        return told == [self.dag_id, self.run_id, self.pod_task_id] and self.owner.owns(pod)


def task_of(trigger: Any) -> Any:
    """A trigger's task, with its DAG; None where the trigger does not know it: on Airflow 3.2, and in `dag.test()`."""
    return getattr(trigger.task_instance, "task", None)


def members_of(dag: Any, pod_task_id: str) -> dict[str, str]:
    """The tasks of a group that answer for nodes, as the DAG has them, whatever their ids.

    Args:
        dag: With its tasks, serialized or not; None, which has none, where no task is attached to a trigger.
        pod_task_id: Of the group's pod.

    Returns:
        What each answers for, see `podbt.airflow.pods.places.packed`, by task_id.
    """
    # Not at the top of the module: a process that parses this DAG alone would import Airflow's serialization for it.
    from airflow.serialization.decoders import smart_decode_trigger_kwargs  # noqa: PLC0415

    found: dict[str, str] = {}
    for task in dag.tasks if dag is not None else ():
        arguments = getattr(task, "start_trigger_args", None)
        given = smart_decode_trigger_kwargs(arguments.trigger_kwargs) if arguments is not None else None
        if given and given.get(POD) == pod_task_id and "at" in given:
            found[task.task_id] = given["at"]
    return found
