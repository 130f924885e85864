"""Notifications as they arrive at a real HTTP endpoint, and what stays out of them."""

import asyncio
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, Variable
from airflow.sdk.definitions.deadline import DeadlineAlert
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.sdk.execution_time.xcom import XCom

from podbt.airflow import DbtOperator
from podbt.airflow.notify import callbacks as notify
from podbt.airflow.notify.message import MAX_CHARS, FailedTask, failed_message
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import ResourceType, RunStatus
from podbt.contract.plan import Plan, PlanNode
from podbt.contract.record import Failure, Summary
from podbt.errors import ConfigError

SECRET = "tok-4f1b"
RUN = "scheduled__2026-01-01T02:00:00+00:00"
RUN_URL = "https://airflow.example/dags/night/runs/scheduled__2026-01-01T02%3A00%3A00%2B00%3A00"
MODEL = "model.p.fct_claims"
SUMMARY = Summary(
    status=RunStatus.FAILED,
    exit_reason=ExitReason.NODE_FAILURE,
    error=f"1 of 12 nodes failed: {MODEL}: division by zero",
    counts={"total": 12, "error": 1, "success": 11},
    failures=[Failure(unique_id=MODEL, status="error", message="Database Error: division by zero")],
    artifacts="runs/night/r/build/try-3",
)


@dataclass
class Airflow:
    """What the callbacks ask Airflow for, and what arrived at the endpoint."""

    folder: Path
    port: int
    states: dict[str, str] = field(default_factory=dict)
    xcoms: dict[Any, Any] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    received: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200

    def get_one(self, *, task_id: str, map_index: int, **_: Any) -> Any:
        return self.xcoms.get(task_id if map_index < 0 else (task_id, map_index))

    def settings(self, **more: object) -> None:
        given = {
            "image": "dbt:1",
            "target": "prod",
            "namespace": "dbt",
            "service_account": "dbt",
            "profiles_secret": {"name": "profiles"},
            "artifacts": {"claim": "artifacts"},
            **more,
        }
        (self.folder / "settings.yaml").write_text(json.dumps(given))

    def context(self, run_id: str = RUN) -> dict[str, Any]:
        with DAG("night", schedule=None) as dag:
            from airflow.providers.standard.operators.empty import EmptyOperator

            EmptyOperator(task_id="build") >> EmptyOperator(task_id="after")
        return {"dag": dag, "run_id": run_id, "reason": "task_failure"}


@pytest.fixture
def airflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Airflow]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.received.append(json.loads(body))
            self.send_response(made.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not to the console."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made = Airflow(tmp_path, server.server_port)
    made.settings(notify={})
    monkeypatch.setenv("PODBT_SETTINGS", str(tmp_path / "settings.yaml"))
    monkeypatch.setenv("PODBT_NOTIFY_URL", f"json://user:{SECRET}@127.0.0.1:{server.server_port}/{SECRET}")
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/")
    monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", staticmethod(lambda **_: {RUN: made.states}))
    monkeypatch.setattr(
        XCom,
        "get_one",
        lambda **asked: made.xcoms.get(asked["task_id"], made.xcoms.get((asked["task_id"], asked["map_index"]))),
    )
    monkeypatch.setattr(Variable, "get", lambda key, *, default: made.variables.get(key, default))
    monkeypatch.setattr(Variable, "set", lambda key, value, description: made.variables.update({key: value}))
    monkeypatch.setattr(Variable, "delete", lambda key: made.variables.pop(key, None))
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_failure_arrives_with_models_words_owner_and_links(airflow: Airflow) -> None:
    plan = Plan.seal(
        project="p",
        dbt_version="1",
        nodes={
            MODEL: PlanNode(
                name="fct_claims", resource_type=ResourceType.MODEL, path="x", meta={"owner": "insurance-desk"}
            )
        },
        sources={},
        selectors={},
    )
    (airflow.folder / "plan.json").write_text(plan.to_json())
    airflow.settings(notify={}, plan=str(airflow.folder / "plan.json"))
    airflow.states = {"after": "upstream_failed", "build": "failed"}
    airflow.xcoms["build"] = SUMMARY.model_dump_json()  # as a trigger leaves it
    notify.on_failure(airflow.context())
    (got,) = airflow.received
    assert (got["title"], got["type"]) == ("night failed", "failure")
    assert got["message"].splitlines() == [
        "build: node_failure (1 error, 11 success)",
        f"- {MODEL} (owner: insurance-desk): Database Error: division by zero",
        f"  log: {RUN_URL}/tasks/build",
        "  artifacts: runs/night/r/build/try-3",
        f"  dbt run: {RUN_URL.partition('/dags/')[0]}/podbt/run?path=runs%2Fnight%2Fr%2Fbuild%2Ftry-3",
        f"run {RUN}: {RUN_URL}",
    ]


def test_stale_sources_are_told_as_such(airflow: Airflow) -> None:
    failure = Failure(unique_id="source.p.raw.patient", status="error", message="newest row is 80.0 hours old")
    airflow.states = {"build": "failed"}
    airflow.xcoms["build"] = SUMMARY.model_copy(update={"failures": [failure]}).model_dump(mode="json")
    notify.on_failure(airflow.context())
    assert airflow.received[0]["title"] == "night: sources are stale"
    assert "source.p.raw.patient: newest row is 80.0 hours old" in airflow.received[0]["message"]


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (
            {"unique_id": MODEL, "status": "error", "tests": {}, "pod": "x", "artifacts": "runs/night/r/g.pod/try-1",
             "failures": [{"unique_id": MODEL, "status": "error", "message": "division by zero"}]},
            ["build: node_failure", f"- {MODEL}: division by zero"],
        ),
        (
            {"unique_id": MODEL, "status": "success", "tests": {"fail": 1},
             "failures": [{"unique_id": "test.p.t.1", "status": "fail", "message": "Got 3 results"}]},
            ["build: test_failure", "- test.p.t.1: Got 3 results"],
        ),
        ({"status": "lost", "error": "Pod x was deleted."}, ["build: lost: Pod x was deleted."]),
        ({"status": "tests", "exit_reason": "connection_error", "tests": {"unknown": 2}}, ["build: connection_error"]),
        (
            {"unique_id": MODEL, "status": "success", "exit_reason": "node_failure", "tests": {"error": 1},
             "failures": [{"unique_id": "test.p.t.1", "status": "error", "message": "no such column"}]},
            ["build: node_failure", "- test.p.t.1: no such column"],
        ),
        ({"status": "success", "tests": {}}, ["build: failed; its log says why"]),
        ({"error": "not dbt's", "code": 3}, ["build: failed; its log says why"]),
    ],
    ids=["model", "test", "lost", "a reason", "a test that broke", "nothing", "something else"],
)  # fmt: skip
def test_a_models_task_is_told_in_dbts_words_too(airflow: Airflow, left: dict[str, Any], said: list[str]) -> None:
    airflow.states, airflow.xcoms = {"build": "failed"}, {"build": json.dumps(left)}
    notify.on_failure(airflow.context())
    assert airflow.received[0]["message"].splitlines()[: len(said)] == said


@pytest.mark.parametrize("left", [None, "no JSON", {"other": 1}, [1]], ids=str)
def test_a_task_that_left_no_summary_is_named_all_the_same(airflow: Airflow, left: object) -> None:
    airflow.states, airflow.xcoms = {"build": "failed"}, {"build": left}
    notify.on_failure(airflow.context())
    assert airflow.received[0]["message"].startswith("build: failed; its log says why")


def test_recovery_is_told_once_and_only_after_a_failure_that_was_told(airflow: Airflow) -> None:
    notify.on_success(airflow.context("r0"))
    assert airflow.received == []
    airflow.states = {"build": "failed"}
    notify.on_failure(airflow.context())
    notify.on_success(airflow.context("r2"))
    notify.on_success(airflow.context("r3"))
    told = [(one["title"], one["type"]) for one in airflow.received]
    assert told == [("night failed", "failure"), ("night is well again", "success")]
    assert airflow.received[1]["message"].startswith(f"It succeeded; run {RUN} had failed.")


def test_recovery_of_the_same_run_says_so(airflow: Airflow) -> None:
    notify.on_failure(airflow.context())
    notify.on_success(airflow.context())
    assert airflow.received[1]["message"].startswith("It succeeded; the same run failed before.")


def test_each_failed_instance_of_a_mapped_step_is_told(airflow: Airflow) -> None:
    airflow.states = {"each_0": "success", "each_10": "failed", "each_2": "failed", "each_1_3": "failed"}
    airflow.xcoms |= {("each", 2): SUMMARY.model_dump_json(), ("each", 10): SUMMARY.model_dump_json()}
    with DAG("night", schedule=None) as dag:
        DbtOperator.partial(task_id="each").expand(select=["a", "b"])
        DbtOperator(task_id="each_1_3")  # not mapped, whatever it is called
    notify.on_failure({"dag": dag, "run_id": RUN})
    lines = airflow.received[0]["message"].splitlines()
    assert [line for line in lines if not line.startswith((" ", "-", "run "))] == [
        "each[2]: node_failure (1 error, 11 success)",
        "each[10]: node_failure (1 error, 11 success)",
        "each_1_3: failed; its log says why",
    ]
    assert f"  log: {RUN_URL}/tasks/each/mapped/2" in lines


def test_being_late_is_told_from_the_triggerer(airflow: Airflow) -> None:
    alert = notify.notifications(late_after=timedelta(hours=1))["deadline"]
    assert isinstance(alert, DeadlineAlert)
    assert alert.callback.path == "podbt.airflow.notify.callbacks.on_late"
    # With DAGRUN_QUEUED_AT nobody could clear a task of the run; tests/e2e do.
    assert type(alert.reference).__name__ == "DagRunLogicalDateDeadline"
    context = {
        "dag_run": {"dag_id": "night", "dag_run_id": RUN},
        "deadline": {"id": "1", "deadline_time": "2026-01-01T03:00:00Z"},
    }
    asyncio.run(notify.on_late(context=context))
    assert (airflow.received[0]["title"], airflow.received[0]["type"]) == ("night is late", "warning")
    assert "should have been done by 2026-01-01T03:00:00Z" in airflow.received[0]["message"]
    assert RUN_URL in airflow.received[0]["message"]


def test_no_deadline_is_set_where_nobody_is_told(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    airflow.settings(notify=None)
    assert "deadline" not in notify.notifications(late_after=timedelta(hours=1))
    monkeypatch.setenv("PODBT_SETTINGS", "/no/such/file")
    assert "deadline" not in notify.notifications(late_after=timedelta(hours=1))


def test_no_address_appears_in_a_log_or_an_error(airflow: Airflow, caplog: pytest.LogCaptureFixture) -> None:
    airflow.status = 500
    with caplog.at_level(logging.DEBUG), pytest.raises(ConfigError) as refused:
        notify.on_failure(airflow.context())
    assert (
        str(refused.value)
        == "'night failed' could not be sent: a service at the address refused it or was not reached."
    )
    assert SECRET not in caplog.text
    assert airflow.variables == {}  # a failure that nobody heard of is not followed by a recovery


def test_an_address_that_is_none_is_not_repeated(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODBT_NOTIFY_URL", f"nosuch://{SECRET}")
    with pytest.raises(ConfigError, match="Notification address 1 is not one that Apprise knows") as refused:
        notify.on_failure(airflow.context())
    assert SECRET not in str(refused.value)


def test_without_notify_in_the_settings_nothing_is_sent(airflow: Airflow) -> None:
    airflow.settings()
    notify.on_failure(airflow.context())
    notify.on_success(airflow.context())
    assert airflow.received == []


def test_a_missing_variable_is_said(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PODBT_NOTIFY_URL")
    with pytest.raises(ConfigError, match="PODBT_NOTIFY_URL is not set"):
        notify.on_failure(airflow.context())


def test_a_message_is_bounded_and_always_ends_in_the_link() -> None:
    failures = [Failure(unique_id=f"model.p.m{n}", status="error", message="x" * 2000) for n in range(20)]
    tasks = [FailedTask(task_id=f"t{n}", summary=SUMMARY.model_copy(update={"failures": failures})) for n in range(9)]
    message = failed_message(dag_id="night", run_id=RUN, tasks=tasks, owners={}, base_url="https://airflow.example")
    assert len(message.body) <= MAX_CHARS
    assert message.body.endswith(RUN_URL)
    assert "- and 15 more" in message.body


def test_only_a_process_that_sends_changes_what_others_log() -> None:
    """Every parse of a DAG file imports the callbacks."""
    program = """
import logging
from datetime import timedelta
from podbt.airflow.notify.callbacks import _target, notifications
levels = lambda: [logging.getLogger(name).level for name in ("apprise", "urllib3.connectionpool")]
before = levels()
notifications(late_after=timedelta(hours=1))
assert levels() == before == [logging.NOTSET] * 2, levels()
_target("json://localhost")
assert levels() == [logging.CRITICAL, logging.INFO], levels()
"""
    subprocess.run([sys.executable, "-c", program], check=True)
