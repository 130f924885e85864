"""Events are matched to tasks by the names that each peer gives its tasks."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bench.harness import latency
from bench.harness.airflow import Run, TaskEnd
from bench.harness.kube import PodLife

from podbt.contract.kinds import ResourceType
from podbt.contract.plan import Plan, PlanNode

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RUN = Run("synth_x", "bench-1")


class Tasks:
    """Airflow's database, as far as it is asked."""

    def __init__(self, **seconds: float) -> None:
        self._ends = [TaskEnd(name, "success", NOON + timedelta(seconds=at)) for name, at in seconds.items()]

    def tasks(self, run: Run) -> list[TaskEnd]:
        assert run == RUN
        return [*self._ends, TaskEnd("dbt.late", None, None)]


class Lives:
    def lives(self) -> list[PodLife]:
        return [
            PodLife("other", labels={"run_id": "bench-0", "task_id": "dbt.dbt_producer_watcher"}),
            PodLife("mine", labels={"run_id": RUN.run_id, "task_id": "dbt.dbt_producer_watcher"}),
        ]


def test_a_group_s_event_is_that_of_the_model_s_last_test(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan.seal(
        project="p", dbt_version="1.11.0", sources={}, selectors={},
        nodes={
            "model.p.a": PlanNode(name="a", resource_type=ResourceType.MODEL, path="models/a.sql"),
            "test.p.t.1": PlanNode(
                name="t", resource_type=ResourceType.TEST, path="models/m.yml", depends_on=["model.p.a"]
            ),
        },
    )  # fmt: skip
    text = '{"unique_id":"model.p.a","finished_at":"2026-01-01T12:00:01Z"}\n'
    text += '{"unique_id":"test.p.t.1","finished_at":"2026-01-01T12:00:03Z"}\n{"unique_id":"model.p.b"}\n'
    monkeypatch.setattr(latency, "kubectl", lambda *_: text)
    tasks: Any = Tasks(**{"dbt.a": 4.5, "dbt.pod": 9.0})
    assert latency.of_group(tasks, RUN, plan, "") == [1.5]


def test_the_watcher_s_events_are_in_its_producer_s_log(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def kubectl(*words: str) -> str:
        asked.append(words[:2])
        node = {"node_name": "a", "node_finished_at": "2026-01-01T12:00:01"}
        event = json.dumps({"info": {"name": "NodeFinished"}, "data": {"node_info": node}})
        return f'not json\n{event}\n{{"info":{{"name":"Other"}}}}\n'

    monkeypatch.setattr(latency, "kubectl", kubectl)
    tasks: Any = Tasks(**{"dbt.a.run": 13.0, "dbt.a.test": 20.0})
    pods: Any = Lives()
    assert latency.of_watcher(tasks, RUN, pods) == [12.0]
    assert asked == [("logs", "mine"), ("delete", "pod")]
