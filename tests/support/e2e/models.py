"""Runs of dental_models that the tests own."""

import secrets
from typing import Any
from urllib.parse import quote

from tests.support.e2e import kube
from tests.support.e2e.nightly import PREFIX
from tests.support.e2e.rest import Airflow
from tests.support.e2e.shell import wait_until

from podbt.contract.settings.kubernetes import Settings

DAG = "dental_models"
GROUP = "dbt"
ENDED = {"success", "failed", "skipped", "upstream_failed"}


class ModelRun:
    """A run of the DAG."""

    def __init__(self, airflow: Airflow, settings: Settings) -> None:
        self._airflow = airflow
        self._settings = settings
        self.run_id = f"{PREFIX}{secrets.token_hex(4)}"
        self._path = f"/dags/{DAG}/dagRuns/{quote(self.run_id, safe='')}"

    def start(self) -> None:
        def others() -> list[Any]:
            return list(self._airflow.get(f"/dags/{DAG}/dagRuns", state=["running", "queued"])["dag_runs"])

        wait_until("no other run is under way", lambda: not others(), seconds=900)
        self._airflow.post(f"/dags/{DAG}/dagRuns", {"dag_run_id": self.run_id, "logical_date": None})

    def tasks(self) -> dict[str, dict[str, Any]]:
        """All tasks, by their names in the group."""
        found = self._pages(f"{self._path}/taskInstances", "task_instances")
        return {task["task_id"].removeprefix(f"{GROUP}."): task for task in found}

    def states(self) -> dict[str, str | None]:
        return {name: task["state"] for name, task in self.tasks().items()}

    def wait(self, name: str, states: set[str], *, after_try: int = 0) -> dict[str, Any]:
        def reached() -> dict[str, Any] | None:
            task = self.tasks()[name]
            return task if task["state"] in states and task["try_number"] > after_try else None

        return wait_until(f"{name} is {' or '.join(sorted(states))}", reached, seconds=600)

    def wait_ended(self) -> dict[str, str | None]:
        """The states of all tasks once the run has ended."""

        def ended() -> bool:
            return self._airflow.get(self._path)["state"] in {"success", "failed"}

        wait_until(f"run {self.run_id} ended", ended, seconds=900)
        return self.states()

    @property
    def state(self) -> str:
        return str(self._airflow.get(self._path)["state"])

    def clear(self, *names: str) -> None:
        """What a person does who clears these tasks with all that is downstream of them."""
        body = {"dry_run": False, "dag_run_id": self.run_id, "task_ids": [f"{GROUP}.{name}" for name in names],
                "only_failed": False, "include_downstream": True}  # fmt: skip
        self._airflow.post(f"/dags/{DAG}/clearTaskInstances", body)

    def mark(self, name: str, state: str) -> None:
        path = f"{self._path}/taskInstances/{GROUP}.{name}"
        self._airflow.patch(path, {"new_state": state})

    def log(self, name: str, try_number: int) -> str:
        path = f"{self._path}/taskInstances/{GROUP}.{name}/logs/{try_number}"
        content = self._airflow.get(path, full_content=True)["content"]
        return "\n".join(str(item["event"] if isinstance(item, dict) else item) for item in content)

    def events(self) -> list[dict[str, Any]]:
        """The asset events that this run emitted."""
        return self._pages("/assets/events", "asset_events", source_run_id=self.run_id, source_dag_id=DAG)

    def _pages(self, path: str, key: str, **params: Any) -> list[dict[str, Any]]:
        """All items; Airflow gives at most a hundred at once."""
        found: list[dict[str, Any]] = []
        while True:
            page = self._airflow.get(path, limit=100, offset=len(found), **params)
            found += page[key]
            if not page[key] or len(found) >= page["total_entries"]:
                return found

    def pods(self, name: str) -> list[dict[str, Any]]:
        return kube.dbt_pods(self._settings, run_id=self.run_id, task_id=f"{GROUP}.{name}")

    def end(self) -> None:
        """Ends the run as a person does who marks it failed, and takes it away."""
        if self.state not in {"success", "failed"}:
            self._airflow.patch(self._path, {"state": "failed"})
        self._airflow.delete(self._path)
