"""Nothing false under load: many short steps at once, and every task's state held against what its pod did.

Two known defects of KubernetesPodOperator are provoked, and counted for it and for DbtOperator alike:

- stop (apache/airflow#73006): while pods run, every task process of the executor gets SIGTERM, as when its node is
  drained. A task that ends in success though its pod did not end with code 0 is a false success.
- quick (apache/airflow#72716): steps that end almost at once. A task that fails though its pod ended with code 0 is a
  false failure.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final

from bench.harness.airflow import ENDED, Run, TaskEnd
from bench.harness.kube import PodLife, kubectl, wait_until
from bench.harness.runs import Bench
from bench.peers.light import STEPS

QUICK: Final = {"work": "sleep:0"}
LONG: Final = {"work": "sleep:45"}
_AT_LEAST_RUNNING: Final = 4
_PATIENCE_SECONDS: Final = 600

# SIGTERM to the processes that run tasks: Airflow gives them, and not the executor's workers, a task's id as title.
_STOP_TASKS: Final = """
import os, signal
stopped = 0
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            title = file.read().decode(errors="replace")
        if title.startswith("airflow worker -- ") and "LocalExecutor" not in title:
            os.kill(int(pid), signal.SIGTERM)
            stopped += 1
    except OSError:
        pass
print(stopped)
"""


@dataclass(frozen=True)
class Verdict:
    """What became of one run's tasks.

    Attributes:
        stopped: Task processes that were sent SIGTERM.
        false_success: Tasks in success whose pod did not end with code 0.
        false_failure: Tasks that failed though their pod ended with code 0, also where their worker was stopped.
    """

    dag_id: str
    scenario: str
    wall: float
    stopped: int
    success: int
    failed: int
    false_success: int
    false_failure: int
    wrong: tuple[str, ...] = ()
    """A line for each false one: the task, and what its pod did."""


def judge(tasks: list[TaskEnd], pods: Mapping[str, PodLife]) -> tuple[list[TaskEnd], list[TaskEnd]]:
    """False successes and false failures, given each task's pod."""

    def ended_well(task: TaskEnd) -> bool:
        pod = pods.get(task.task_id)
        return pod is not None and pod.exit_code == 0

    false_success = [task for task in tasks if task.state == "success" and not ended_well(task)]
    false_failure = [task for task in tasks if task.state == "failed" and ended_well(task)]
    return false_success, false_failure


def told(task: TaskEnd, pod: PodLife | None, stopped: datetime | None) -> str:
    """What a task and its pod did, with the moments that say which came first."""
    moments = {"workers stopped": stopped, "task ended": task.ended}
    moments |= {"pod created": pod.created, "pod ended": pod.finished} if pod else {}
    known = sorted((moment, what) for what, moment in moments.items() if moment)
    code = "no pod" if pod is None else f"exit code {pod.exit_code}"
    return f"{task.task_id} {task.state}, {code}: " + ", ".join(f"{what} {moment:%H:%M:%S}" for moment, what in known)


def one_round(bench: Bench, dag_id: str, scenario: str) -> Verdict:
    """Runs forty steps, disturbed or not, and judges them."""
    began, stopped, when = time.monotonic(), 0, None
    run = bench.airflow.trigger(dag_id, LONG if scenario == "stop" else QUICK)
    if scenario == "stop":
        wait_until(f"pods of {dag_id}", lambda: bench.pods.running(run.run_id) >= _AT_LEAST_RUNNING, _PATIENCE_SECONDS)
        stopped, when = stop_tasks(), datetime.now(UTC)
    wait_until(f"end of {dag_id}", lambda: _ended(bench, run), _PATIENCE_SECONDS)
    wall = time.monotonic() - began
    time.sleep(2)  # the last pods' ends come by watch
    tasks = bench.airflow.tasks(run)
    pods = {life.task: life for life in bench.pods.lives() if life.run == run.run_id}
    false_success, false_failure = judge(tasks, pods)
    return Verdict(
        dag_id=dag_id,
        scenario=scenario,
        wall=round(wall, 1),
        stopped=stopped,
        success=sum(1 for task in tasks if task.state == "success"),
        failed=sum(1 for task in tasks if task.state == "failed"),
        false_success=len(false_success),
        false_failure=len(false_failure),
        wrong=tuple(told(task, pods.get(task.task_id), when) for task in [*false_success, *false_failure]),
    )


def stop_tasks() -> int:
    """Sends SIGTERM to every task process of the executor; returns how many there were."""
    return int(kubectl("exec", "deploy/podbt-scheduler", "-c", "scheduler", "--", "python", "-c", _STOP_TASKS))


def _ended(bench: Bench, run: Run) -> bool:
    return bench.airflow.state(run)[0] in ENDED


def table(verdicts: list[Verdict]) -> list[dict[str, object]]:
    """The rounds of each DAG and scenario summed up."""
    sums: dict[tuple[str, str], dict[str, object]] = {}
    for verdict in verdicts:
        row = sums.setdefault((verdict.scenario, verdict.dag_id), {"rounds": 0, "steps": 0})
        row["rounds"] = int(str(row["rounds"])) + 1
        row["steps"] = int(str(row["steps"])) + STEPS
        for key, value in asdict(verdict).items():
            if isinstance(value, int):
                row[key] = int(str(row.get(key, 0))) + value
    return [{"scenario": scenario, "dag": dag_id, **row} for (scenario, dag_id), row in sums.items()]
