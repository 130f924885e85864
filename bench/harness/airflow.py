"""The benchmark's own Airflow: runs are started through its REST API and watched in its database.

Watching through the API would cost the api-server CPU time that would count as a peer's.
"""

import base64
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
import psycopg2
import psycopg2.extras
from bench.harness.kube import KUBECTL, kubectl, wait_until

ENDED = frozenset({"success", "failed"})
_RUN_SQL = "select state, queued_at, end_date from dag_run where dag_id = %s and run_id = %s"
_TASKS_SQL = "select task_id, state, end_date, pid from task_instance where dag_id = %s and run_id = %s"
_SLOTS_SQL = "select count(*) from task_instance where state in ('queued', 'running') and dag_id = %s and run_id = %s"
_OPEN_SQL = "select dag_id, run_id from dag_run where state in ('queued', 'running')"
_PARSE_SECONDS = 300


@dataclass(frozen=True)
class TaskEnd:
    """How one task of a run ended."""

    task_id: str
    state: str | None
    ended: datetime | None


@dataclass(frozen=True)
class Run:
    """One run of a DAG."""

    dag_id: str
    run_id: str


class Airflow:
    """A client of Airflow in the cluster."""

    def __init__(self, http: httpx.Client, database: Any) -> None:
        self._http = http
        self._database = database

    def unpause(self, dag_id: str) -> None:
        """Waits until the DAG was parsed, and lets it run."""

        def there() -> bool:
            return self._http.patch(f"/api/v2/dags/{dag_id}", json={"is_paused": False}).status_code == httpx.codes.OK

        wait_until(f"DAG {dag_id} parsed", there, seconds=_PARSE_SECONDS, every=2)

    def import_errors(self) -> dict[str, str]:
        found = self._http.get("/api/v2/importErrors").raise_for_status().json()["import_errors"]
        return {one["filename"]: one["stack_trace"] for one in found}

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> Run:
        run = Run(dag_id, f"bench-{uuid4().hex[:10]}")
        body = {"dag_run_id": run.run_id, "logical_date": None, "conf": dict(conf or {})}
        self._http.post(f"/api/v2/dags/{dag_id}/dagRuns", json=body).raise_for_status()
        return run

    def stop(self, run: Run) -> None:
        """Marks the run failed, which ends what it still does."""
        self._http.patch(f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}", json={"state": "failed"}).raise_for_status()

    def stop_all(self) -> int:
        """Stops what an interrupted benchmark left running; returns how many runs that was."""
        with self._database.cursor() as cursor:
            cursor.execute(_OPEN_SQL)
            found = [Run(*row) for row in cursor.fetchall()]
        for run in found:
            self.stop(run)
        return len(found)

    def state(self, run: Run) -> tuple[str, datetime, datetime | None]:
        """The run's state, when it was asked for, and when it ended."""
        state, queued, ended = self._rows(_RUN_SQL, run)[0]
        return state, queued, ended

    def tasks(self, run: Run) -> list[TaskEnd]:
        return [TaskEnd(row[0], row[1], row[2]) for row in self._rows(_TASKS_SQL, run)]

    def slots(self, run: Run) -> int:
        """How many executor slots the run holds right now."""
        return int(self._rows(_SLOTS_SQL, run)[0][0])

    def _rows(self, sql: str, run: Run) -> list[Any]:
        with self._database.cursor() as cursor:
            cursor.execute(sql, (run.dag_id, run.run_id))
            return list(cursor.fetchall())


@contextmanager
def connected() -> Iterator[Airflow]:
    """Airflow through forwarded ports, logged in as the admin of the Secret."""
    login, metadata = _secret("podbt-admin"), _secret("podbt-metadata")
    with _forwarded("podbt-api-server", 8080) as web, _forwarded("podbt-postgres", 5432) as postgres:
        http = httpx.Client(base_url=f"http://127.0.0.1:{web}", timeout=60, trust_env=False)
        body = {"username": login["username"], "password": login["password"]}
        token = http.post("/auth/token", json=body).raise_for_status().json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        database = psycopg2.connect(
            host="127.0.0.1", port=postgres, dbname="airflow", user="airflow", password=metadata["password"]
        )
        database.autocommit = True
        try:
            yield Airflow(http, database)
        finally:
            database.close()
            http.close()


def _secret(name: str) -> dict[str, str]:
    data = json.loads(kubectl("get", "secret", name, "--output", "json"))["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


@contextmanager
def _forwarded(service: str, port: int) -> Iterator[int]:
    """A port of this machine that leads to a Service."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        local = int(free.getsockname()[1])
    process = subprocess.Popen(
        [*KUBECTL, "port-forward", f"service/{service}", f"{local}:{port}"], stdout=subprocess.DEVNULL
    )
    try:
        wait_until(f"port of {service}", lambda: _answers(local), seconds=30)
        yield local
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        time.sleep(0.2)
        return False
    return True
