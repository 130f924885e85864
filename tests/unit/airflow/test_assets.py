"""Asset events: one for each node that was built, and none twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk import DAG, Asset, AssetAlias
from airflow.sdk.api.datamodels._generated import AssetEventResponse, AssetResponse
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import AssetEventsResult, GetAssetEventByAssetAlias
from tests.support.fake_airflow import FakeAirflow
from tests.support.operators import operator

from podbt.airflow.assets import ALIAS, asset_of, emit
from podbt.airflow.group.tasks import AssetsTask, ModelTask
from podbt.airflow.pods.places import key_of
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.record import Summary, to_json

NOW = datetime.now(UTC)


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


class Airflow:
    """Keeps asset events, and answers for them as Airflow does."""

    def __init__(self) -> None:
        self.events: list[AssetEventResponse] = []
        self.asked: list[GetAssetEventByAssetAlias] = []

    def take_in(self, found: dict[str, Any], **source: str) -> None:
        """What happens when the task has succeeded."""
        for uri, extra in events(found).items():
            known = {"source_dag_id": "d", "source_run_id": "r", "source_task_id": "g.assets", **source}
            asset = AssetResponse(name=uri, uri=uri, group="asset")
            self.events.append(
                AssetEventResponse(id=1, timestamp=NOW, extra=extra, asset=asset, created_dagruns=[], **known)
            )

    def send(self, message: GetAssetEventByAssetAlias) -> AssetEventsResult:
        self.asked.append(message)
        return AssetEventsResult(asset_events=self.events)


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
        "at": NOW.isoformat(),
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
    return assets_task("a", "b", "broken")


def assets_task(*models: str) -> AssetsTask:
    """The task in a DAG, beside those of its group's models."""
    with DAG("d", schedule=None):
        for name in models:
            given = {"pod": "g.pod", "at": f"{key_of(name)}:0"}
            ModelTask(task_id=f"g.{name}", step={}, overrides={}, kind="model", trigger_kwargs=given)
        return AssetsTask(task_id="g.assets", pod="g.pod")


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Airflow:
    fake = Airflow()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", fake, raising=False)
    return fake


def tried_again(ti: TaskInstance) -> TaskInstance:
    ti.try_number += 1
    return ti


def test_a_group_tells_each_build_once(task: AssetsTask, airflow: Airflow) -> None:
    """After one model was cleared and built again, it alone is news."""
    ti = TaskInstance(a=built("a"), b=built("b"), broken=built("broken"))
    first, again, nothing = context(ti), context(ti), context(ti)
    assert task.execute(first) == {"events": 2}
    assert not airflow.asked, "a first try has told nothing yet"
    airflow.take_in(first)
    ti.xcoms["g.b", "return_value"] = built("b", "p2")
    task.execute(again | {"ti": tried_again(ti)})
    airflow.take_in(again)
    task.execute(nothing | {"ti": tried_again(ti)})
    assert list(events(first)) == ["dbt://p/prod/a", "dbt://p/prod/b"]
    assert list(events(again)) == ["dbt://p/prod/b"]
    assert events(nothing) == {}
    assert airflow.asked[0].alias_name == ALIAS
    assert NOW - timedelta(hours=1) < datetime.fromisoformat(str(airflow.asked[0].after)) < NOW


@pytest.mark.usefixtures("airflow")
def test_events_that_airflow_did_not_take_in_are_told_again(task: AssetsTask) -> None:
    """The task failed after it had added them."""
    ti = TaskInstance(a=built("a"))
    again = context(ti)
    task.execute(context(ti))
    tried_again(ti)
    task.execute(again)
    assert list(events(again)) == ["dbt://p/prod/a"]


@pytest.mark.parametrize("source", ["source_dag_id", "source_run_id", "source_task_id"])
def test_what_another_task_told_counts_for_nothing(task: AssetsTask, airflow: Airflow, source: str) -> None:
    ti = TaskInstance(a=built("a"))
    first, again = context(ti), context(ti)
    task.execute(first)
    airflow.take_in(first, **{source: "other"})
    tried_again(ti)
    task.execute(again)
    assert list(events(again)) == ["dbt://p/prod/a"]


def test_a_model_that_somebody_marked_a_success_was_not_built(task: AssetsTask) -> None:
    assert task.execute(context(TaskInstance(a=None)))["events"] == 0


def test_where_nothing_was_built_there_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no skip: what follows the group would be skipped with it."""
    FakeAirflow.install(monkeypatch, start="success", pod="success", a="failed")
    assert assets_task("a").execute(context(TaskInstance())) == {"events": 0}


def test_a_plain_step_emits_what_its_pod_told() -> None:
    step = operator(assets=True)
    assert step.step["events"] is True
    assert step.start_trigger_args.trigger_kwargs["resume_to_end"] is True
    found = context(TaskInstance())
    summary = to_json(Summary(status=RunStatus.SUCCESS, exit_reason=ExitReason.SUCCESS))
    step.resume(found, {"summary": summary, "retryable": True, "built": [built("a")]})
    assert list(events(found)) == ["dbt://p/prod/a"]


def test_a_plain_step_that_failed_emits_nothing() -> None:
    found = context(TaskInstance())
    summary = to_json(Summary(status=RunStatus.FAILED, exit_reason=ExitReason.NODE_FAILURE, error="why"))
    with pytest.raises(Exception, match="why"):
        operator(assets=True).resume(found, {"summary": summary, "retryable": True, "built": [built("a")]})
    assert events(found) == {}


def test_a_function_holds_no_rows_and_so_is_no_asset() -> None:
    assert asset_of("function.p.louder", "prod") is None
    assert asset_of("snapshot.p.louder", "prod") is not None
