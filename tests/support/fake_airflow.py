"""What a trigger asks Airflow for: the states of the run's tasks and their XComs."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
import uuid6
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.sdk.execution_time.xcom import XCom
from airflow.triggers.base import StartTriggerArgs

from podbt.airflow import trigger
from podbt.airflow.group import model_trigger, watch
from podbt.airflow.pods.places import key_of


@dataclass
class FakeAirflow:
    """Tests change it while triggers run."""

    states: dict[str, str | None] = field(default_factory=dict)
    xcoms: dict[tuple[str, str], Any] = field(default_factory=dict)
    asked: int = 0

    def get_task_states(self, **asked: Any) -> dict[str, dict[str, str | None]]:
        self.asked += 1
        return {run_id: dict(self.states) for run_id in asked["run_ids"]}

    def get_one(self, *, task_id: str, key: str, **_: Any) -> Any:
        return self.xcoms.get((task_id, key))

    @classmethod
    def install(cls, monkeypatch: pytest.MonkeyPatch, **states: str | None) -> "FakeAirflow":
        """Puts it in Airflow's place. States of tasks of the group `g`, by their names in it."""
        fake = cls({f"g.{name}": state for name, state in states.items()})
        monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", fake.get_task_states)
        monkeypatch.setattr(XCom, "get_one", fake.get_one)
        monkeypatch.setattr(model_trigger, "_PATIENCE_SECONDS", 0.05)
        monkeypatch.setattr(trigger, "LOG_SECONDS", 0.0)
        for name in ("_LOOK_SECONDS", "_STATES_SECONDS", "_NEWS_SECONDS"):
            monkeypatch.setattr(watch, name, 0.02)
        return fake


@dataclass
class FakeTask:
    """As the triggerer's task instances have it."""

    upstream_task_ids: set[str] = field(default_factory=set)
    dag: Any = None
    template_fields: tuple[str, ...] = ()
    template_ext: tuple[str, ...] = ()
    start_trigger_args: Any = None
    task_id: str = ""


class FakeDag:
    """As a trigger sees it: with what its tasks' triggers get.

    Args:
        pod: task_id of a group's pod.
        owned: The node that a task answers for, by the task's name.
    """

    def __init__(self, pod: str = "g.pod", **owned: str) -> None:
        self.tasks = [FakeTask() for _ in owned]
        for task, (name, unique_id) in zip(self.tasks, owned.items(), strict=True):
            task.task_id = f"{pod.removesuffix('pod')}{name}"
            given = {"pod": pod, "node": unique_id, "at": f"{key_of(unique_id)}:0"}
            task.start_trigger_args = StartTriggerArgs("x", "resume", given)


@dataclass
class FakeTaskInstance:
    """A try; made now unless it has an id."""

    task_id: str
    task: FakeTask = field(default_factory=FakeTask)
    try_number: int = 1
    id: UUID = field(default_factory=uuid6.uuid7)
    dag_id: str = "d"
    run_id: str = "r"
    map_index: int = -1
