"""One run of a DAG, against an Airflow that is made up."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bench.harness import runs
from bench.harness.airflow import Run, TaskEnd
from bench.harness.meter import Reading

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class FakeAirflow:
    """Tells these states one after the other, then the last of them for ever."""

    def __init__(self, *states: str) -> None:
        self._states = list(states)
        self.stopped: list[Run] = []

    def trigger(self, dag_id: str, conf: object) -> Run:
        del conf
        return Run(dag_id, "bench-1")

    def state(self, run: Run) -> tuple[str, datetime, datetime | None]:
        del run
        state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        return state, NOON, NOON + timedelta(seconds=21.5) if state in {"success", "failed"} else None

    def slots(self, run: Run) -> int:
        del run
        return 2

    def tasks(self, run: Run) -> list[TaskEnd]:
        del run
        return [TaskEnd("a", "success", NOON), TaskEnd("b", "running", None)]

    def stop(self, run: Run) -> None:
        self.stopped.append(run)


class FakeMeter:
    def __init__(self) -> None:
        self._readings: Iterator[float] = iter([100.0, 104.0])

    def now(self) -> Reading:
        return Reading(cpu_seconds=next(self._readings), memory_mib=900, processes=9)

    def peak(self) -> float:
        return 1234.0


class FakePods:
    def running(self, run: str) -> int:
        assert run == "bench-1"
        return 1


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_POLL_SECONDS", 0.001)
    log = "Workload finished workload_type=ExecuteTask\nother\nWorkload finished workload_type=ExecuteCallback\n"
    monkeypatch.setattr(runs, "kubectl", lambda *_: log)


def bench(airflow: FakeAirflow) -> Any:
    return runs.Bench(
        airflow=airflow,  # type: ignore[arg-type]
        pods=FakePods(),  # type: ignore[arg-type]
        meter=FakeMeter(),  # type: ignore[arg-type]
        settings=None,  # type: ignore[arg-type]
        idle_rate=0.0,
    )


def test_the_wall_time_is_what_airflow_wrote_down() -> None:
    run, measured = runs.dag_run(bench(FakeAirflow("queued", "running", "success")), "podbt", "synth_podbt")
    assert run == Run("synth_podbt", "bench-1")
    assert (measured.state, measured.wall, measured.cpu, measured.processes) == ("success", 21.5, 4.0, 1)
    assert (measured.peak_memory, measured.slots_while_waiting) == (1234.0, 2)


def test_a_run_over_its_limit_is_stopped_and_told_as_that() -> None:
    airflow = FakeAirflow("running")
    run, measured = runs.dag_run(bench(airflow), "cosmos_kubernetes", "synth_cosmos_kubernetes", limit=0.05)
    assert airflow.stopped == [run]
    assert (measured.state, measured.wall, measured.tasks_ended, measured.tasks) == ("stopped", 0.05, 1, 2)
    assert not measured.complete
