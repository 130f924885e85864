"""A real run of the nightly DAG: triggered over Airflow's REST API, followed to its end, and shown."""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localcluster.airflow import quoted
from localcluster.places import KUBECTL, RELEASE, URL
from localcluster.shell import LocalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from localcluster.airflow import Airflow
    from localcluster.shell import Shell

DAG = "dental_nightly"
PARSE_SECONDS = 300.0
RUN_SECONDS = 3600.0
POLL_SECONDS = 2.0
QUEUE_SECONDS = 15.0
PENDING_SECONDS = 20.0
LAST_NIGHT_SECONDS = 20.0
ENDED = frozenset({"success", "failed"})
# States that last no longer than a look at them: the scheduler's own steps.
PASSING = frozenset({None, "scheduled"})
API_SERVER = f"deploy/{RELEASE}-api-server"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A DAG run as it was last seen."""

    run_id: str
    state: str
    tasks: tuple[dict[str, Any], ...]

    @property
    def ok(self) -> bool:
        return self.state == "success"

    @property
    def url(self) -> str:
        return f"{URL}/dags/{DAG}/runs/{quoted(self.run_id)}"


def wait_parsed(airflow: Airflow) -> None:
    """Wait until Airflow knows the DAG.

    Raises:
        LocalError: It does not within its time; the message is the DAG file's import error, if it has one.
    """
    deadline = time.monotonic() + PARSE_SECONDS
    while airflow.get(f"/dags/{DAG}") is None:
        errors = (airflow.get("/importErrors") or {}).get("import_errors", [])
        for error in errors:
            if DAG in error.get("filename", ""):
                raise LocalError(
                    f"{error['filename']} cannot be imported: {error['stack_trace'].strip().splitlines()[-1]}"
                )
        if time.monotonic() > deadline:
            raise LocalError(
                f"Airflow did not find the DAG {DAG} within {PARSE_SECONDS:.0f} s: see podbt-dag-processor's log."
            )
        time.sleep(POLL_SECONDS)


def earlier(airflow: Airflow, inputs: str) -> tuple[str, str]:
    """Return id and state of the run of these inputs: one that succeeded, else one under way, else blanks."""
    ours = [run for run in _runs(airflow) if run.get("note") == _note(inputs)]
    for wanted in ({"success"}, {"running", "queued"}):
        for run in ours:
            if run["state"] in wanted:
                return run["dag_run_id"], run["state"]
    return "", ""


def start(airflow: Airflow, inputs: str) -> str:
    """Start a run, noting what it runs with; return its id.

    A DAG that was paused is unpaused, and then the scheduler itself starts last night's run: that is the run.
    """
    now = dt.datetime.now(tz=dt.UTC)
    if airflow.get(f"/dags/{DAG}")["is_paused"]:
        airflow.patch(f"/dags/{DAG}", {"is_paused": False})
        deadline = time.monotonic() + LAST_NIGHT_SECONDS
        while time.monotonic() < deadline:
            for run in _runs(airflow):
                if run["run_type"] == "scheduled" and dt.datetime.fromisoformat(run["queued_at"]) > now:
                    airflow.patch(f"/dags/{DAG}/dagRuns/{quoted(run['dag_run_id'])}", {"note": _note(inputs)})
                    return str(run["dag_run_id"])
            time.sleep(1)
    run_id = f"up__{now:%Y%m%dT%H%M%SZ}"
    airflow.post(f"/dags/{DAG}/dagRuns", {"dag_run_id": run_id, "logical_date": None, "note": _note(inputs)})
    return run_id


def follow(
    airflow: Airflow,
    run_id: str,
    say: Callable[[str], None],
    explain: Callable[[Run], list[str]] = lambda _: [],
    hindered: Callable[[], list[str]] = list,
) -> Run:
    """Wait until the run ends, saying each change of a task's state.

    Args:
        airflow: Whose run it is.
        run_id: The run.
        say: Takes each line.
        explain: Tells why a try of the run failed, while Airflow waits for the next.
        hindered: Tells what keeps pods from starting, which looks like a step at work until Airflow gives it up.

    Raises:
        LocalError: It takes too long; it goes on without us.
    """
    path = f"/dags/{DAG}/dagRuns/{quoted(run_id)}"
    deadline = time.monotonic() + RUN_SECONDS
    queued = time.monotonic() + QUEUE_SECONDS
    hindrances = _Hindrances(hindered)
    seen: dict[str, tuple[str | None, int]] = {}
    while True:
        # The run first: when it has ended, its tasks have too, so the last look at them is complete.
        state = airflow.get(path)["state"]
        if state == "queued" and queued and time.monotonic() > queued:
            say(f"waits for another run of {DAG} to end: {URL}/dags/{DAG}/runs")
            queued = 0.0
        tasks = airflow.get(f"{path}/taskInstances")["task_instances"]
        tasks.sort(key=lambda one: (one["start_date"] or "~", one["task_id"]))
        now = Run(run_id=run_id, state=state, tasks=tuple(tasks))
        for task in tasks:
            step = (task["state"], task["try_number"])
            if seen.get(task["task_id"]) != step and task["state"] not in PASSING:
                seen[task["task_id"]] = step
                say(describe(task))
                for line in explain(now) if task["state"] == "up_for_retry" else ():
                    say(line)
        if state in ENDED:
            return now
        for line in hindrances.news():
            say(line)
        if time.monotonic() > deadline:
            raise LocalError(f"the run {run_id} has not ended within {RUN_SECONDS:.0f} s; it goes on: {URL}/dags/{DAG}")
        time.sleep(POLL_SECONDS)


@dataclass
class _Hindrances:
    """Asks now and then what is in the way, and passes each line on once."""

    ask: Callable[[], list[str]]
    told: set[str] = field(default_factory=set)
    asked: float = field(default_factory=time.monotonic)

    def news(self) -> list[str]:
        if time.monotonic() < self.asked + PENDING_SECONDS:
            return []
        self.asked = time.monotonic()
        lines = [line for line in self.ask() if line not in self.told]
        self.told.update(lines)
        return lines


def describe(task: dict[str, Any]) -> str:
    """Return a task's state as one line."""
    # A deferred task is at work in its pod; Airflow's word for it would read as if it waited.
    state = "runs in a pod (deferred)" if task["state"] == "deferred" else task["state"]
    attempt = f", try {task['try_number']}" if task["try_number"] > 1 else ""
    # Negative where a trigger ended a task that had waited for its next try.
    seconds = task.get("duration") or 0
    took = f" after {seconds:.1f} s" if task["state"] in ENDED and seconds > 0 else ""
    return f"{task['task_id']}: {state}{took}{attempt}"


def summary(airflow: Airflow, run: Run) -> dict[str, Any]:
    """Return what the run's last dbt step says of itself: status, counts, artifacts, failures.

    A step whose pod did not start has an error alone.
    """
    for task in sorted(run.tasks, key=lambda one: one["start_date"] or "", reverse=True):
        path = f"/dags/{DAG}/dagRuns/{quoted(run.run_id)}/taskInstances/{quoted(task['task_id'])}"
        found = airflow.get(f"{path}/xcomEntries/return_value")
        value = found["value"] if found else None
        if isinstance(value, str):  # as triggers leave it
            value = json.loads(value)
        if isinstance(value, dict) and (value.get("artifacts") or value.get("error")):
            return value
    return {}


def pending(shell: Shell) -> list[str]:
    """Return a line for each pod that cannot start, with the reason that Kubernetes gives."""
    code, answer = shell.attempt(*KUBECTL, "get", "pods", "--field-selector=status.phase=Pending", "-o", "json")
    lines = []
    for pod in json.loads(answer)["items"] if code == 0 else ():
        conditions = pod["status"].get("conditions", [])
        said = [one.get("message") for one in conditions if one["type"] == "PodScheduled" and one["status"] != "True"]
        containers = [one["state"].get("waiting", {}) for one in pod["status"].get("containerStatuses", [])]
        said += [one.get("message") for one in containers]
        lines += [f"pod {pod['metadata']['name']} cannot start: {one}" for one in said if one]
    return lines


def show(shell: Shell, artifacts: str) -> str:
    """Return the run's table of nodes, as `podbt runs show` prints it in the cluster."""
    command = ("podbt", "runs", "show", artifacts)
    return shell.run(*KUBECTL, "exec", API_SERVER, "-c", "api-server", "--", *command).rstrip()


def latest_failure(shell: Shell) -> dict[str, Any]:
    """Return the record of the newest run in the artifact store, if it failed (error, failures); else nothing."""
    command = ("podbt", "runs", "show", "latest", "--json")
    code, answer = shell.attempt(*KUBECTL, "exec", API_SERVER, "-c", "api-server", "--", *command)
    record: dict[str, Any] = json.loads(answer)["run"] if code == 0 else {}
    return record if record.get("status") == "failed" else {}


def _runs(airflow: Airflow) -> list[dict[str, Any]]:
    found = airflow.get(f"/dags/{DAG}/dagRuns?order_by=-run_after&limit=100")
    return list(found["dag_runs"]) if found else []


def _note(inputs: str) -> str:
    return f"Run by `up` for images, chart and data {inputs}."
