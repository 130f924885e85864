"""Asset events: one for each node that was built, and none twice."""

from typing import Any

import pytest
from airflow.sdk import Asset, AssetAlias
from airflow.sdk.exceptions import AirflowSkipException
from tests.unit.airflow.fake_airflow import FakeAirflow
from tests.unit.airflow.test_operator import operator

from podbt.airflow.assets import ALIAS, emit
from podbt.airflow.group_tasks import AssetsTask
from podbt.airflow.group_triggers import EMITTED
from podbt.contract.exits import ExitReason
from podbt.contract.record import Summary, to_json


class Outlet:
    def __init__(self) -> None:
        self.events: dict[str, dict[str, Any]] = {}

    def add(self, asset: Asset, extra: dict[str, Any]) -> None:
        assert asset.uri not in self.events
        self.events[asset.uri] = extra


class TaskInstance:
    dag_id, run_id, task_id, map_index, try_number = "d", "r", "g.assets", None, 1

    def __init__(self, **results: Any) -> None:
        self.xcoms: dict[tuple[str, str], Any] = {
            (f"g.{name}", "return_value"): value for name, value in results.items()
        }

    def xcom_pull(self, task_ids: str, key: str = "return_value") -> Any:
        return self.xcoms.get((task_ids, key))

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms["g.assets", key] = value


def context(ti: TaskInstance) -> dict[str, Any]:
    return {"ti": ti, "outlet_events": {AssetAlias(ALIAS): Outlet()}}


def events(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(found["outlet_events"][AssetAlias(ALIAS)].events)


def built(name: str, pod: str = "p1") -> dict[str, Any]:
    return {
        "unique_id": f"model.p.{name}",
        "target": "prod",
        "rows": 5,
        "seconds": 1.5,
        "artifacts": "runs/x",
        "pod": pod,
    }


def test_an_event_says_what_was_built_and_where_to_look() -> None:
    found = context(TaskInstance())
    assert emit(found, [built("a"), {"unique_id": "test.p.t", "target": "prod"}]) == 1
    extra = events(found)["dbt://p/prod/a"]
    assert {"rows": 5, "seconds": 1.5, "artifacts": "runs/x", "dag_id": "d", "run_id": "r"}.items() <= extra.items()
    assert extra["run"].endswith("/dags/d/runs/r")


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> AssetsTask:
    FakeAirflow.install(monkeypatch, start="success", pod="success", a="success", b="success", broken="failed")
    return AssetsTask(task_id="g.assets", pod="g.pod")


def test_a_group_tells_each_build_once(task: AssetsTask) -> None:
    """After one model was cleared and built again, it alone is news."""
    ti = TaskInstance(a=built("a"), b=built("b"), broken=built("broken"))
    first, again, nothing = context(ti), context(ti), context(ti)
    ti.xcoms["g.finish", EMITTED] = task.execute(first)["told"]
    ti.xcoms["g.b", "return_value"] = built("b", "p2")
    ti.xcoms["g.finish", EMITTED] = task.execute(again)["told"]
    task.execute(nothing)
    assert list(events(first)) == ["dbt://p/prod/a", "dbt://p/prod/b"]
    assert list(events(again)) == ["dbt://p/prod/b"]
    assert events(nothing) == {}
    assert ti.xcoms["g.finish", EMITTED] == {"g.a": "p1", "g.b": "p2"}


def test_events_that_airflow_did_not_take_in_are_told_again(task: AssetsTask) -> None:
    """The task failed after it had added them, so the finish task noted nothing."""
    ti = TaskInstance(a=built("a"))
    again = context(ti)
    task.execute(context(ti))
    task.execute(again)
    assert list(events(again)) == ["dbt://p/prod/a"]


def test_a_model_that_somebody_marked_a_success_was_not_built(task: AssetsTask) -> None:
    assert task.execute(context(TaskInstance(a=None)))["events"] == 0


def test_where_nothing_was_built_there_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeAirflow.install(monkeypatch, start="success", pod="success", a="failed")
    with pytest.raises(AirflowSkipException):
        AssetsTask(task_id="g.assets", pod="g.pod").execute(context(TaskInstance()))


def test_a_plain_step_emits_what_its_pod_told() -> None:
    step = operator(assets=True)
    assert step.step["events"] is True
    assert step.start_trigger_args.trigger_kwargs["resume_to_end"] is True
    found = context(TaskInstance())
    summary = to_json(Summary(status="success", exit_reason=ExitReason.SUCCESS))
    step.resume(found, {"summary": summary, "retryable": True, "built": [built("a")]})
    assert list(events(found)) == ["dbt://p/prod/a"]


def test_a_plain_step_that_failed_emits_nothing() -> None:
    found = context(TaskInstance())
    summary = to_json(Summary(status="failed", exit_reason=ExitReason.NODE_FAILURE, error="why"))
    with pytest.raises(Exception, match="why"):
        operator(assets=True).resume(found, {"summary": summary, "retryable": True, "built": [built("a")]})
    assert events(found) == {}
