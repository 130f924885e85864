import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from localcluster import airflow as airflow_module
from localcluster import nightly, report
from localcluster.airflow import Airflow
from localcluster.nightly import Run
from localcluster.session import Session
from localcluster.shell import LocalError
from tests.support.programs import Programs

SUMMARY: dict[str, Any] = {
    "status": "failed",
    "exit_reason": "node_failure",
    "counts": {"total": 3, "success": 1, "error": 1, "skipped": 1},
    "artifacts": "runs/dental_nightly/r/build/try-1",
    "failures": [{"unique_id": "model.shop.orders", "message": "division by zero"}],
}


class FakeAirflow:
    """Answers like Airflow's API, from a few fields that tests set."""

    def __init__(self) -> None:
        self.paused = True
        self.known = True
        self.runs: list[dict[str, Any]] = []
        self.states: list[tuple[str, list[dict[str, Any]]]] = []
        self.xcom: object = None
        self.import_errors: list[dict[str, str]] = []
        self.requests: list[str] = []
        self.tokens = 0
        self.down = 0
        self.away: list[tuple[int, bytes]] = []
        self.last_night = True

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, object]:
        self.requests.append(f"{method} {path}")
        path = path.removeprefix("/api/v2").partition("?")[0]
        if path == "/importErrors":
            return 200, {"import_errors": self.import_errors}
        if path == "/dags/dental_nightly":
            if method == "PATCH":
                self.paused = body["is_paused"]
                if self.last_night:
                    self.runs.append(run("scheduled__1", run_type="scheduled", queued_at="2999-01-01T00:00:00Z"))
            if not self.known:
                return 404, {"detail": "no"}
            return 200, {"is_paused": self.paused}
        if path == "/dags/dental_nightly/dagRuns":
            if method == "POST":
                self.runs.append(run(body["dag_run_id"], note=body["note"]))
                return 200, self.runs[-1]
            return 200, {"dag_runs": self.runs}
        if path.endswith("/taskInstances"):
            return 200, {"task_instances": self.states.pop(0)[1] if len(self.states) > 1 else self.states[0][1]}
        if path.endswith("/xcomEntries/return_value"):
            return (200, {"value": self.xcom}) if self.xcom and "/build/" in path else (404, {"detail": "no"})
        found = next(one for one in self.runs if path.endswith(one["dag_run_id"]))
        if method == "PATCH":
            found["note"] = body["note"]
        return 200, {**found, "state": self.states[0][0] if self.states else found["state"]}


def run(run_id: str, **more: object) -> dict[str, Any]:
    return {"dag_run_id": run_id, "state": "queued", "note": None, "run_type": "manual", "queued_at": None, **more}


def task(name: str, state: str | None, **more: object) -> dict[str, Any]:
    return {"task_id": name, "state": state, "try_number": 1, "start_date": f"2026-{name}", "duration": None, **more}


@pytest.fixture
def fake() -> FakeAirflow:
    return FakeAirflow()


@pytest.fixture
def airflow(fake: FakeAirflow, monkeypatch: pytest.MonkeyPatch) -> Iterator[Airflow]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            answer: object
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            if fake.away:
                code, text = fake.away.pop()
                self.send_response(code)
                self.end_headers()
                self.wfile.write(text)
                return
            if fake.down:
                fake.down -= 1
                code, answer = 503, None
            elif self.path == "/auth/token":
                good = body == {"username": "admin", "password": "p"}
                fake.tokens += good
                code, answer = (
                    (201, {"access_token": f"t{fake.tokens}"}) if good else (401, {"detail": "Invalid credentials"})
                )
            elif self.headers["Authorization"] != f"Bearer t{fake.tokens}":
                code, answer = 401, {"detail": "expired"}
            else:
                code, answer = fake.answer(self.command, self.path, body)
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_GET = do_POST = do_PATCH = handle_any  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    for module, name, seconds in (
        (nightly, "POLL_SECONDS", 0.01),
        (nightly, "LAST_NIGHT_SECONDS", 0.2),
        (airflow_module, "RETRY_SECONDS", 0.01),
    ):
        monkeypatch.setattr(module, name, seconds)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Airflow(username="admin", password="p", url=f"http://127.0.0.1:{server.server_port}", patience_seconds=2)
        server.shutdown()
        thread.join()


def test_login_is_renewed_and_restarts_are_waited_through(airflow: Airflow, fake: FakeAirflow) -> None:
    assert airflow.get("/dags/dental_nightly") == {"is_paused": True}
    fake.tokens += 1  # every token from before has expired
    fake.down = 2
    assert airflow.get("/dags/dental_nightly") == {"is_paused": True}


def test_wrong_login_is_told_without_the_password(airflow: Airflow) -> None:
    airflow.password = "wrong-word"
    with pytest.raises(LocalError, match="Airflow refused GET /dags/x: 401 Invalid credentials") as caught:
        airflow.get("/dags/x")
    assert "wrong-word" not in str(caught.value)
    assert "wrong-word" not in repr(airflow)


def test_airflow_that_is_away_is_told(airflow: Airflow, fake: FakeAirflow) -> None:
    airflow.patience_seconds, fake.down = 0.1, 10**6
    with pytest.raises(LocalError, match="did not answer GET /dags/x: 503"):
        airflow.get("/dags/x")


def test_what_another_answers_in_airflows_place_is_not_believed(airflow: Airflow, fake: FakeAirflow) -> None:
    """As after a restart of the nodes, while the Service still leads to an address that no pod has any more."""
    fake.away = [(code, b"<h1>some proxy</h1>") for code in (403, 404, 401, 200)]
    assert airflow.get("/dags/dental_nightly") == {"is_paused": True}
    assert not fake.away
    airflow.patience_seconds, fake.away = 0.1, [(403, b"Forbidden")] * 10**4
    with pytest.raises(LocalError, match="did not answer GET /dags/x: 403 Forbidden, not from Airflow"):
        airflow.get("/dags/x")


def test_unpausing_takes_last_nights_run(airflow: Airflow, fake: FakeAirflow) -> None:
    assert nightly.start(airflow, "abc") == "scheduled__1"
    assert not fake.paused
    assert len(fake.runs) == 1
    assert nightly.earlier(airflow, "abc") == ("scheduled__1", "queued")
    assert nightly.earlier(airflow, "other") == ("", "")


@pytest.mark.parametrize("paused", [True, False])
def test_without_last_nights_run_one_is_triggered(airflow: Airflow, fake: FakeAirflow, *, paused: bool) -> None:
    fake.paused, fake.last_night = paused, False
    run_id = nightly.start(airflow, "abc")
    assert run_id.startswith("up__")
    assert nightly.earlier(airflow, "abc") == (run_id, "queued")


def test_earlier_run_counts_when_it_succeeded_or_is_under_way(airflow: Airflow, fake: FakeAirflow) -> None:
    fake.paused = False
    first = nightly.start(airflow, "abc")
    fake.runs[-1]["state"] = "failed"
    assert nightly.earlier(airflow, "abc") == ("", "")
    fake.runs += [{**fake.runs[-1], "dag_run_id": "later", "state": "running"}]
    assert nightly.earlier(airflow, "abc") == ("later", "running")
    fake.runs[0]["state"] = "success"
    assert nightly.earlier(airflow, "abc") == (first, "success")


def test_each_state_is_said_once(airflow: Airflow, fake: FakeAirflow) -> None:
    fake.runs = [run("r")]
    fake.states = [
        ("running", [task("a", None), task("b", None)]),
        ("running", [task("a", "deferred"), task("b", "scheduled")]),
        ("running", [task("a", "deferred"), task("b", "scheduled")]),
        ("running", [task("a", "success", duration=16.84), task("b", "up_for_retry")]),
        ("failed", [task("a", "success", duration=16.84), task("b", "failed", duration=2.0, try_number=2)]),
    ]
    said: list[str] = []
    ended = nightly.follow(airflow, "r", said.append)
    assert not ended.ok
    assert said == [
        "a: runs in a pod (deferred)",
        "a: success after 16.8 s",
        "b: up_for_retry",
        "b: failed after 2.0 s, try 2",
    ]


def test_dag_that_cannot_be_imported_is_told(airflow: Airflow, fake: FakeAirflow) -> None:
    fake.known = False
    fake.import_errors = [
        {"filename": "dental_nightly.py", "stack_trace": "Traceback\nModuleNotFoundError: No module named 'x'\n"}
    ]
    with pytest.raises(
        LocalError, match=r"dental_nightly\.py cannot be imported: ModuleNotFoundError: No module named 'x'"
    ):
        nightly.wait_parsed(airflow)


@pytest.mark.parametrize("value", [SUMMARY, json.dumps(SUMMARY)], ids=["object", "text"])
def test_summary_is_the_last_steps(airflow: Airflow, fake: FakeAirflow, value: object) -> None:
    fake.xcom = value
    ended = Run(run_id="r", state="failed", tasks=(task("freshness", "success"), task("build", "failed")))
    assert nightly.summary(airflow, ended) == SUMMARY
    fake.xcom = {"status": "failed", "exit_reason": "lost", "error": "The pod did not start within 600 s"}
    assert report.failure(ended, nightly.summary(airflow, ended))[:2] == [
        "dental_nightly FAILED in build: lost",
        "  The pod did not start within 600 s",
    ]
    fake.xcom = None
    assert nightly.summary(airflow, ended) == {}


def test_show_asks_the_cluster(session: Session, programs: Programs) -> None:
    programs.add("kubectl", "echo 'success 0.48 orders'")
    assert nightly.show(session.shell, "runs/x") == "success 0.48 orders"
    assert programs.calls == ["kubectl -n podbt exec deploy/podbt-api-server -c api-server -- podbt runs show runs/x"]


def test_negative_duration_is_not_told() -> None:
    assert nightly.describe(task("build", "failed", duration=-301.0, try_number=3)) == "build: failed, try 3"


def test_waiting_for_another_run_is_said_once(
    airflow: Airflow, fake: FakeAirflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nightly, "QUEUE_SECONDS", 0.0)
    fake.runs = [run("r")]
    fake.states = [("queued", []), ("queued", []), ("running", []), ("success", [])]
    said: list[str] = []
    nightly.follow(airflow, "r", said.append)
    assert [line.partition(":")[0] for line in said] == ["waits for another run of dental_nightly to end"]


def test_failed_try_is_explained_while_airflow_waits(airflow: Airflow, fake: FakeAirflow) -> None:
    fake.runs = [run("r")]
    fake.states = [("running", [task("build", "up_for_retry")]), ("success", [task("build", "success", try_number=2)])]
    said: list[str] = []
    nightly.follow(airflow, "r", said.append, lambda seen: [f"because of {seen.tasks[0]['task_id']}"])
    assert said == ["build: up_for_retry", "because of build", "build: success, try 2"]


def test_what_keeps_pods_from_starting_is_said_once_each(
    airflow: Airflow, fake: FakeAirflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nightly, "PENDING_SECONDS", -1.0)
    fake.runs = [run("r")]
    waits = ("running", [task("build", "deferred")])
    fake.states = [waits, waits, waits, ("failed", [task("build", "failed")])]
    answers = iter([[], ["no room"], ["no room", "no image"]])
    said: list[str] = []
    nightly.follow(airflow, "r", said.append, hindered=lambda: next(answers))
    assert said == ["build: runs in a pod (deferred)", "no room", "no image", "build: failed"]


def test_pods_that_cannot_start_are_told_with_their_reason(session: Session, programs: Programs) -> None:
    unplaced = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available: 1 Insufficient cpu."}
    placed = {"type": "PodScheduled", "status": "True"}
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image x"}}}
    starting = {"state": {"waiting": {"reason": "ContainerCreating"}}}
    pods = [
        {"metadata": {"name": "a"}, "status": {"conditions": [unplaced]}},
        {"metadata": {"name": "b"}, "status": {"conditions": [placed], "containerStatuses": [waiting]}},
        {"metadata": {"name": "c"}, "status": {"conditions": [placed], "containerStatuses": [starting]}},
        {"metadata": {"name": "d"}, "status": {}},
    ]
    programs.add("kubectl", f"echo '{json.dumps({'items': pods})}'")
    assert nightly.pending(session.shell) == [
        "pod a cannot start: 0/1 nodes are available: 1 Insufficient cpu.",
        "pod b cannot start: Back-off pulling image x",
    ]
    programs.add("kubectl", "exit 1")
    assert nightly.pending(session.shell) == []


@pytest.mark.parametrize(("status", "told"), [("failed", True), ("success", False)])
def test_latest_failure(session: Session, programs: Programs, status: str, *, told: bool) -> None:
    programs.add(
        "kubectl", f"""echo '{{"path": "runs/x", "run": {{"status": "{status}", "error": "no login"}}, "nodes": []}}'"""
    )
    assert report.failures(nightly.latest_failure(session.shell)) == (["  no login"] if told else [])


def test_error_is_told_only_where_no_node_says_it() -> None:
    assert report.failures({"error": "refused", "failures": []}) == ["  refused"]
    nodes = [{"unique_id": "model.x.a", "message": "m"}]
    assert report.failures({"error": "1 of 2 nodes failed: m", "failures": nodes}) == ["  model.x.a: m"]


def test_failure_list_is_cut() -> None:
    many = {"failures": [{"unique_id": f"model.x.{number}", "message": "m"} for number in range(12)]}
    lines = report.failures(many)
    assert (len(lines), lines[-1]) == (11, "  and 2 more")


def test_failure_report_names_tasks_and_nodes() -> None:
    ended = Run(run_id="up__1", state="failed", tasks=(task("freshness", "success"), task("build", "failed")))
    lines = report.failure(ended, SUMMARY)
    assert lines[0] == "dental_nightly FAILED in build: 3 total, 1 success, 1 error, 1 skipped"
    assert "  model.shop.orders: division by zero" in lines
    assert lines[-1] == "log of build: http://127.0.0.1:30080/dags/dental_nightly/runs/up__1/tasks/build"


def test_pointers_tell_how_to_see_the_login(session: Session) -> None:
    lines = report.pointers(session, Run(run_id="up__1", state="success", tasks=()))
    login = next(line for line in lines if line.startswith("login:"))
    assert "get secret podbt-admin" in login
    assert "base64decode" in login


@pytest.mark.parametrize(("state", "code"), [("success", 0), ("failed", 1)])
def test_whole_report(
    airflow: Airflow,
    fake: FakeAirflow,
    session: Session,
    programs: Programs,
    monkeypatch: pytest.MonkeyPatch,
    *,
    state: str,
    code: int,
) -> None:
    monkeypatch.setattr(Airflow, "of_cluster", lambda _: airflow)
    programs.add("kubectl", "echo 'the table'")
    fake.xcom = SUMMARY
    fake.states = [(state, [task("build", state, duration=1.0)])]
    assert report.nightly_run(session, "abc") == code
    assert isinstance(session.console.out, io.StringIO)
    printed = session.console.out.getvalue()
    assert "the table" in printed
    assert SUMMARY["artifacts"] in printed
    assert ("division by zero" in printed) is (state == "failed")
