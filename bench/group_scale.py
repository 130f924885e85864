"""`make bench-group`: what model groups of several sizes, and many steps at once, cost Airflow. Without a cluster.

Airflow is real (api-server, scheduler, dag-processor, triggerer, on a PostgreSQL of its own); the Kubernetes API is
played: a group's pod tells of a node every so often, a step's pod ends after some seconds. So what counts is what
Airflow does for them, and neither dbt nor a warehouse takes part in it.

Processor time is read from /proc: of each component with all its processes, the ended ones included, less what it
takes with nothing to do in the same time. Memory is proportional (PSS), at its peak.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml
from bench.group_pods import Pods
from bench.parse import write_project
from bench.processes import COMPONENTS, Meter, Reading
from tests.support.airflow_server import Airflow, airflow_server
from tests.support.played_cluster import served
from tests.support.postgres import Server, server
from tests.support.settings import SETTINGS
from tests.support.waiting import wait_for

_IDLE_SECONDS: Final = 30.0
_WARM: Final = ("group", 3)
_ENDED: Final = frozenset({"success", "failed"})
_GROUP: Final = """from airflow.sdk import DAG
from podbt.airflow import DbtModelGroup
with DAG("{dag_id}", max_active_tasks=5000):
    DbtModelGroup("g", plan="{plan}", max_tasks=100_000, assets=False)
"""
_STEPS: Final = """from airflow.sdk import DAG
from podbt.airflow import DbtOperator
with DAG("{dag_id}", max_active_tasks=5000):
    for number in range({number}):
        DbtOperator(task_id=f"s{{number}}", select=f"m{{number}}")
"""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One run: its state, seconds, each component's CPU seconds above idle and peak memory, requests, transactions."""

    name: str
    size: int
    state: str
    wall: float
    cpu: dict[str, float]
    memory: dict[str, float]
    calls: dict[str, int]
    transactions: int

    def row(self) -> str:
        parts = " | ".join(f"{self.cpu[name]:.1f}" for name in COMPONENTS)
        total = sum(self.cpu.values())
        calls = ", ".join(f"{kind} {count}" for kind, count in sorted(self.calls.items()))
        return (
            f"| {self.name} | {self.state} | {self.wall:.0f} | {parts} | {total:.1f} | "
            f"{1000 * total / self.size:.0f} | {self.memory['triggerer']:.0f} | {self.transactions} | {calls} |"
        )


@dataclass(frozen=True, kw_only=True)
class World:
    """All that a measurement asks."""

    airflow: Airflow
    pods: Pods
    postgres: Server
    meter: Meter


_HEAD: Final = (
    f"| run | state | wall s | {' | '.join(f'{name} CPU s' for name in COMPONENTS)} | sum | ms a task | "
    "triggerer MiB | transactions | requests to Kubernetes |\n"
    f"| --- | --- | ---: | {'---: | ' * len(COMPONENTS)}---: | ---: | ---: | ---: | --- |"
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # else Airflow and its database would stay
    runs = [("group", size) for size in options.models] + [("steps", size) for size in options.steps]
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, load {load}", flush=True)
    with tempfile.TemporaryDirectory(prefix="podbt-group-") as scratch, _world(Path(scratch), runs, options) as world:
        world.airflow.run(_WARM[0] + f"_{_WARM[1]}")  # what a triggerer imports, it imports once
        idle = _idle(world.meter)
        print("idle, CPU s a minute: " + ", ".join(f"{name} {60 * idle[name]:.2f}" for name in COMPONENTS))
        print(f"\n{_HEAD}", flush=True)
        costs = []
        for kind, size in runs:
            for _ in range(options.rounds):
                costs.append(_measured(world, idle, f"{kind}_{size}", size))
                print(costs[-1].row(), flush=True)
        if options.logs:
            _keep(world.airflow, Path(options.logs))
    if options.json:
        Path(options.json).write_text(json.dumps([vars(one) for one in costs], indent=1))
    return 0 if all(one.state == "success" for one in costs) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--models", type=int, nargs="*", default=[25, 75, 100, 200, 400], help="sizes of groups, two tests a model")
    add("--steps", type=int, nargs="*", default=[], help="numbers of steps at once")
    add("--rounds", type=int, default=1, help="runs of each (default: 1)")
    add("--pace", type=float, default=0.1, help="seconds from one model's end to the next one's (default: 0.1)")
    add("--step-seconds", type=float, default=20, help="how long a step's pod runs (default: 20)")
    add("--triggerers", type=int, default=1, help="how many triggerers (default: 1)")
    add("--source", default="", help="the folder `src` of another podbt to measure (default: this one)")
    add("--logs", default="", help="a folder to leave the components' logs in")
    add("--json", default="", help="a file for every figure")
    return parser


@contextmanager
def _world(folder: Path, runs: Sequence[tuple[str, int]], options: argparse.Namespace) -> Iterator[World]:
    (folder / "dags").mkdir()
    plans = folder / "plans"
    plans.mkdir()
    for kind, size in [_WARM, *runs]:
        dag_id = f"{kind}_{size}"
        if kind == "group" and not (plans / dag_id).exists():
            write_project(plans / dag_id, size)
        text = _GROUP.format(dag_id=dag_id, plan=plans / dag_id / "plan.json") if kind == "group" else ""
        (folder / "dags" / f"{dag_id}.py").write_text(text or _STEPS.format(dag_id=dag_id, number=size))
    settings = SETTINGS.model_copy(update={"keep_finished_pod_seconds": 5}).model_dump(mode="json", exclude_none=True)
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings))
    pods = Pods(plans=plans, pace=options.pace, step_seconds=options.step_seconds)
    with server() as postgres, served(pods, folder) as (_, kubeconfig):
        env = {
            "PODBT_SETTINGS": str(folder / "settings.yaml"),
            "KUBECONFIG": str(kubeconfig),
            # What stays the same is read at the start, and not in the middle of one of the measurements.
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "3600",
            "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "600",
            "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300",
            "AIRFLOW__TRIGGERER__CAPACITY": "5000",
            **({"PYTHONPATH": options.source} if options.source else {}),
        }
        with airflow_server(folder, postgres, "", **env) as airflow:
            for _ in range(options.triggerers - 1):
                airflow.start("triggerer", "triggerer2")
            wanted = {f"{kind}_{size}" for kind, size in [_WARM, *runs]}
            wait_for(lambda: wanted <= {one["dag_id"] for one in airflow.call("GET", "dags?limit=100")["dags"]}, 900)
            with Meter({name: process.pid for name, process in airflow.processes.items()}) as meter:
                yield World(airflow=airflow, pods=pods, postgres=postgres, meter=meter)


def _idle(meter: Meter) -> dict[str, float]:
    """CPU seconds a second that each component takes while nothing runs."""
    time.sleep(_IDLE_SECONDS / 3)  # the last files' parsing
    first, began = meter.now(), time.monotonic()
    time.sleep(_IDLE_SECONDS)
    last, took = meter.now(), time.monotonic() - began
    return {name: (last.cpu[name] - first.cpu[name]) / took for name in COMPONENTS}


def _measured(world: World, idle: dict[str, float], dag_id: str, size: int) -> Cost:
    airflow, pods, postgres, meter = world.airflow, world.pods, world.postgres, world.meter
    committed = "select xact_commit from pg_stat_database where datname = 'airflow'"
    pods.calls.clear()
    first, at = meter.now(peak_anew=True), time.monotonic()
    before = postgres.query(committed, superuser=True)[0][0]
    run_id = airflow.trigger(dag_id)
    began = time.monotonic()
    state = ""
    while state not in _ENDED:
        time.sleep(1)
        state = airflow.state(dag_id, run_id)
    wall = time.monotonic() - began
    wait_for(lambda: not pods.pods, 600)
    time.sleep(3)  # what Airflow does behind a run's end
    last: Reading = meter.now()
    took = time.monotonic() - at
    return Cost(
        name=dag_id.replace("_", " "),
        size=size,
        state=state,
        wall=wall,
        cpu={name: last.cpu[name] - first.cpu[name] - idle[name] * took for name in COMPONENTS},
        memory=last.peak,
        calls=dict(pods.calls),
        transactions=postgres.query(committed, superuser=True)[0][0] - before,
    )


def _keep(airflow: Airflow, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for log in airflow.folder.glob("*.log"):
        (folder / log.name).write_bytes(log.read_bytes())


if __name__ == "__main__":
    raise SystemExit(main())
