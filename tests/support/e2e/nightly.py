"""One run of dental_nightly that the tests own: started once, its build cleared for each new scenario."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.e2e import kube, warehouse
from tests.support.e2e.rest import DAG, Airflow, run_path
from tests.support.e2e.shell import wait_until

from podbt.contract.settings.kubernetes import Settings

BUILD, FRESHNESS = "build", "source_freshness"
PREFIX = "e2e__"
ENDED = {"success", "failed"}
AT_WORK = {"deferred", "running"}
LOCKED_TABLE = "raw.employer"  # read by a staging view, and without freshness


class Night:
    """A run of the DAG."""

    def __init__(self, airflow: Airflow, settings: Settings) -> None:
        self.airflow = airflow
        self.settings = settings
        self.run_id = f"{PREFIX}{secrets.token_hex(4)}"
        self.started = False

    def wait_alone(self) -> None:
        """Waits until no other run is under way, such as the night's own: only one goes at a time.

        To be called before a table is locked, since the other one would wait for that table.
        """
        wait_until("no other run is under way", lambda: not self._others(), seconds=1200, every=2)

    def start(self) -> None:
        self.wait_alone()
        self.airflow.post(f"/dags/{DAG}/dagRuns", {"dag_run_id": self.run_id, "logical_date": None})
        self.started = True

    def begin_build(self) -> int:
        """Starts the run or clears its build; returns the try that then is at work."""
        before = 0
        if self.started:
            before = int(self.task()["try_number"])
            self.clear(BUILD)
        else:
            self.start()

        def at_work() -> int | None:
            self._check_freshness()
            task = self.task()
            return int(task["try_number"]) if task["try_number"] > before and task["state"] else None

        return wait_until(f"the build of {self.run_id} begins", at_work, seconds=600)

    def clear(self, task_id: str) -> None:
        """What a person does in the page: clear the task, so that it runs again."""
        body = {"dry_run": False, "dag_run_id": self.run_id, "task_ids": [task_id], "only_failed": False}
        self.airflow.post(f"/dags/{DAG}/clearTaskInstances", body)

    def wait(self, states: set[str], *, task_id: str = BUILD, try_number: int | None = None) -> dict[str, Any]:
        """Waits until a task is in one of these states."""

        def reached() -> dict[str, Any] | None:
            found = self.task(task_id)
            right = try_number is None or found["try_number"] >= try_number
            return found if right and found["state"] in states else None

        try:
            return wait_until(f"{task_id} is {' or '.join(sorted(states))}", reached, seconds=900)
        except AssertionError as error:
            now = self.task(task_id)
            raise AssertionError(f"{error}; it is {now['state']}:\n{self.log(now['try_number'], task_id)}") from None

    def task(self, task_id: str = BUILD) -> dict[str, Any]:
        return self.airflow.task(self.run_id, task_id)

    def log(self, try_number: int, task_id: str = BUILD) -> str:
        return self.airflow.log(self.run_id, task_id, try_number)

    def pods(self, try_number: int, task_id: str = BUILD) -> list[dict[str, Any]]:
        return kube.dbt_pods(self.settings, run_id=self.run_id, task_id=task_id, try_number=try_number)

    def folder(self, try_number: int, task_id: str = BUILD) -> str:
        """Where the try's record has to be."""
        return f"runs/{DAG}/{self.run_id}/{task_id}/try-{try_number}"

    def end(self) -> None:
        """Ends the run as a person does who marks it failed, so that the next one may begin."""
        run = self.airflow.get(run_path(self.run_id))
        if run and run["state"] not in ENDED:
            self.airflow.patch(run_path(self.run_id), {"state": "failed"})
        self.settle()

    def settle(self) -> None:
        """Waits until what was told to stop has stopped."""
        wait_until("no pod of the run is at work", lambda: not self._at_work(), seconds=300)

    @contextmanager
    def held_build(self) -> Iterator["HeldBuild"]:
        """A build that is at work and cannot end, because a table that it reads is locked."""
        self.wait_alone()
        with warehouse.locked(LOCKED_TABLE) as release:
            try:
                number = self.begin_build()
                pod = wait_until("the build's pod is there", lambda: self.pods(number))[0]
                wait_until("dbt waits for the locked table", warehouse.dbt_waits)
                yield HeldBuild(night=self, try_number=number, pod=pod, release=release)
            finally:
                release()
                self.end()

    def _others(self) -> list[str]:
        found = self.airflow.runs(state=["running", "queued"])
        return [run["dag_run_id"] for run in found if run["dag_run_id"] != self.run_id]

    def _at_work(self) -> bool:
        phases = []
        for task_id in (FRESHNESS, BUILD):
            found = kube.dbt_pods(self.settings, run_id=self.run_id, task_id=task_id)
            phases += [pod["status"]["phase"] for pod in found]
        return bool({"Pending", "Running"} & set(phases))

    def _check_freshness(self) -> None:
        task = self.task(FRESHNESS)
        bad = task["state"] in {"failed", "up_for_retry"}
        assert not bad, f"source freshness is {task['state']}:\n{self.log(task['try_number'], FRESHNESS)}"


@dataclass(frozen=True)
class HeldBuild:
    """A build that waits for `release`."""

    night: Night
    try_number: int
    pod: dict[str, Any]
    release: Any

    @property
    def log(self) -> str:
        return self.night.log(self.try_number)

    @property
    def folder(self) -> str:
        return self.night.folder(self.try_number)

    def wait(self, states: set[str]) -> dict[str, Any]:
        return self.night.wait(states, try_number=self.try_number)
