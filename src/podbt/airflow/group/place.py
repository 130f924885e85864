"""A model group of one DAG run, for its tasks and their triggers. Light: it is imported wherever a DAG is parsed."""

from dataclasses import dataclass
from typing import Final

from podbt.airflow.group.graph import OWN_TASKS

ENDED: Final = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})
"""States of a task that nothing but a person changes."""

TOLD: Final = "podbt_told"
"""XCom of the group's pod task: its progress, for those who come when the pod is gone."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which group of which run, and where its pods are."""

    namespace: str
    dag_id: str
    run_id: str
    pod_task_id: str

    @property
    def group_id(self) -> str:
        return self.pod_task_id.rpartition(".")[0]

    def has_member(self, task_id: str) -> bool:
        """Whether it is the task of a model, and not one of the group's own."""
        prefix = f"{self.group_id}."
        return task_id.startswith(prefix) and task_id.removeprefix(prefix) not in OWN_TASKS
