"""A real Airflow as processes: database, API server, scheduler, DAG processor and triggerer."""

import os
import secrets
import signal
import socket
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests
from tests.support.postgres import PASSWORD, Server
from tests.support.waiting import wait_for

_LISTENER: Final = '''"""Notes each start of a task on a worker."""
import os
from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

class Starts:
    @hookimpl
    def on_task_instance_running(self, previous_state, task_instance):
        with open(os.environ["STARTS"], "a") as file:
            file.write(f"{task_instance.dag_id} {task_instance.task_id}\\n")

class Plugin(AirflowPlugin):
    name = "starts"
    listeners = [Starts()]
'''
_PROCESSES: Final = ("api-server", "scheduler", "dag-processor", "triggerer")
_ENDED: Final = {"success", "failed"}


@dataclass
class Airflow:
    """Its REST API, and its processes by name."""

    folder: Path
    port: int
    env: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]]

    def start(self, component: str, name: str = "") -> None:
        """Starts a component, a second one of its kind under a name of its own."""
        name = name or component
        log = (self.folder / f"{name}.log").open("ab")
        command = [sys.executable, "-m", "airflow", component]
        self.processes[name] = subprocess.Popen(
            command, env=self.env, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
        )

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        process = self.processes.pop(name)
        with suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        host = f"http://127.0.0.1:{self.port}"
        token = requests.get(f"{host}/auth/token", timeout=600).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.request(method, f"{host}/api/v2/{path}", json=body, headers=headers, timeout=600)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def trigger(self, dag_id: str) -> str:
        return str(self.call("POST", f"dags/{dag_id}/dagRuns", {"logical_date": None})["dag_run_id"])

    def state(self, dag_id: str, run_id: str) -> str:
        return str(self.call("GET", f"dags/{dag_id}/dagRuns/{run_id}")["state"])

    def task(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
        return dict(self.call("GET", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"))

    def states(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        found = self.call("GET", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return {one["task_id"]: one["state"] for one in found}

    def run(self, dag_id: str) -> tuple[str, str]:
        """Runs a DAG to its end.

        Returns:
            Its run_id, and the state of the run.
        """
        run_id = self.trigger(dag_id)
        wait_for(lambda: self.state(dag_id, run_id) in _ENDED, 600)
        return run_id, self.state(dag_id, run_id)

    def logs(self) -> str:
        """All that Airflow's components, and the files that they parse, have said."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.rglob("*.log")))

    def starts(self, dag_id: str) -> list[str]:
        """The tasks of a DAG that took a worker, once for each time."""
        file = Path(self.env["STARTS"])
        lines = file.read_text().splitlines() if file.exists() else []
        return sorted(line.split(" ", 1)[1] for line in lines if line.startswith(f"{dag_id} "))


@contextmanager
def airflow_server(folder: Path, postgres: Server, dags: str, **env: str) -> Iterator[Airflow]:
    """Runs one until the block ends.

    Args:
        folder: For all its files.
        postgres: Its database server.
        dags: The text of its one DAG file.
        env: More of its environment.
    """
    postgres.query("create database airflow owner dbt", superuser=True)
    for name, text in (("dags/tested.py", dags), ("plugins/starts.py", _LISTENER)):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "API__PORT": str(port),
        "API__SECRET_KEY": secrets.token_hex(),
        "API__WORKERS": "1",
        "API_AUTH__JWT_SECRET": secrets.token_hex(),
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__DAGS_FOLDER": str(folder / "dags"),
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "CORE__FERNET_KEY": urlsafe_b64encode(secrets.token_bytes()).decode(),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__PARALLELISM": "4",
        "CORE__PLUGINS_FOLDER": str(folder / "plugins"),
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        # On a slow machine the api-server may take longer than the five seconds that a worker gives it by default, five
        # times; then the worker dies, and its task with it.
        "WORKERS__EXECUTION_API_TIMEOUT": "120",
        "DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://dbt:{PASSWORD}@127.0.0.1:{postgres.port}/airflow",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTEST"))}
    environment = {
        **kept,
        **{f"AIRFLOW__{name}": value for name, value in settings.items()},
        "AIRFLOW_HOME": str(folder),
        "STARTS": str(folder / "starts"),
        **env,
    }
    airflow = Airflow(folder, port, environment, {})
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(command, env=environment, cwd=folder, check=True, capture_output=True)
    try:
        for name in _PROCESSES:
            airflow.start(name)
        wait_for(lambda: _has_dags(airflow), 600)
        yield airflow
    finally:
        for name in list(airflow.processes):
            airflow.stop(name)


def _has_dags(airflow: Airflow) -> bool:
    try:
        return bool(airflow.call("GET", "dags")["dags"])
    except (requests.ConnectionError, AssertionError):
        gone = [name for name, process in airflow.processes.items() if process.poll() is not None]
        assert not gone, f"{gone} ended: {[(airflow.folder / f'{name}.log').read_text()[-2000:] for name in gone]}"
        return False
