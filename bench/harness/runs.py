"""One run of one peer, measured from outside."""

import os
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from bench.harness.airflow import ENDED, Airflow, Run
from bench.harness.figures import middle
from bench.harness.kube import Pods, kubectl
from bench.harness.meter import Meter
from bench.peers.pods import build_arguments, plain_pod
from kubernetes.client import models as k8s

from podbt.contract.settings.kubernetes import Settings

_POLL_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was seen of one run. Seconds and MiB.

    Attributes:
        wall: From the order to the end: a pod's creation to its container's end as a watcher sees it; a DAG run's
            triggering to its end.
        cpu: CPU time that Airflow's components took meanwhile; `idle_cpu` of it they would have taken anyway.
        processes: Task processes that the executor started.
        slot_seconds: Executor slots that the run held, summed over time.
        slots_while_waiting: The median of the slots that it held while a pod of its ran.
    """

    peer: str
    state: str
    wall: float
    load_average: float
    cpu: float | None = None
    idle_cpu: float | None = None
    processes: int | None = None
    peak_memory: float | None = None
    slot_seconds: float | None = None
    slots_while_waiting: float | None = None
    tasks_ended: int | None = None
    tasks: int | None = None
    latencies: list[float] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return self.state == "success"


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What every measurement needs."""

    airflow: Airflow
    pods: Pods
    meter: Meter
    settings: Settings
    idle_rate: float
    """CPU seconds a second that Airflow takes with nothing to do."""


def bare(bench: Bench, image: str, select: str) -> Measured:
    """`dbt build` in a pod that nobody but this process looks at."""
    name = f"bare-{uuid4().hex[:8]}"
    pod = plain_pod(bench.settings, image, name=name, command=["dbt"])
    pod.spec.containers[0].args = build_arguments(bench.settings.target, select)
    return _bare(bench, pod)


def bare_step(bench: Bench, image: str, work: str) -> Measured:
    """The short step's container in a pod that nobody but this process looks at."""
    pod = plain_pod(bench.settings, image, name=f"bare-{uuid4().hex[:8]}")
    pod.spec.containers[0].args = [work]
    return _bare(bench, pod)


def _bare(bench: Bench, pod: k8s.V1Pod) -> Measured:
    began = time.monotonic()
    with bench.pods.created(pod) as name:
        while (life := bench.pods.of(name)) is None or life.ended_seen is None:
            time.sleep(0.05)
        if life.exit_code:
            print(kubectl("logs", name, "--tail=20"), flush=True)
    state = "success" if life.exit_code == 0 else "failed"
    return Measured(peer="bare", state=state, wall=life.ended_seen - began, load_average=_load())


def dag(bench: Bench, peer: str, dag_id: str, *, conf: dict[str, Any] | None = None, limit: float = 3600) -> Measured:
    """One run of a DAG; one that takes longer than `limit` seconds is stopped and reported as that."""
    _, measured = dag_run(bench, peer, dag_id, conf=conf, limit=limit)
    return measured


def dag_run(
    bench: Bench, peer: str, dag_id: str, *, conf: dict[str, Any] | None = None, limit: float = 3600
) -> tuple[Run, Measured]:
    """As `dag`, with the run itself for who wants to look at it."""
    bench.meter.peak()
    before, began = bench.meter.now(), time.monotonic()
    run = bench.airflow.trigger(dag_id, conf)
    held, last = 0.0, began
    waiting: list[float] = []
    while True:
        time.sleep(_POLL_SECONDS)
        state, queued, ended = bench.airflow.state(run)
        if state in ENDED or time.monotonic() - began > limit:
            break
        slots, now = bench.airflow.slots(run), time.monotonic()
        held += slots * (now - last)
        last = now
        if bench.pods.running(run.run_id):
            waiting.append(slots)
    tasks = bench.airflow.tasks(run)
    if state not in ENDED:
        bench.airflow.stop(run)
        state = "stopped"
    after = bench.meter.now()
    seconds = time.monotonic() - began
    return run, Measured(
        peer=peer,
        state=state,
        wall=(ended - queued).total_seconds() if ended and state in ENDED else limit,
        load_average=_load(),
        cpu=after.cpu_seconds - before.cpu_seconds,
        idle_cpu=bench.idle_rate * seconds,
        processes=task_processes(seconds),
        peak_memory=bench.meter.peak(),
        slot_seconds=held,
        slots_while_waiting=middle(waiting),
        tasks_ended=sum(1 for task in tasks if task.ended),
        tasks=len(tasks),
    )


def task_processes(seconds: float) -> int:
    """How many task processes the executor reported as ended in the last seconds."""
    log = kubectl("logs", "deploy/podbt-scheduler", "-c", "scheduler", f"--since={int(seconds) + 1}s")
    return sum(1 for line in log.splitlines() if "Workload finished" in line and "ExecuteTask" in line)


def _load() -> float:
    return round(os.getloadavg()[0], 1)
