"""A real Airflow api-server with FAB's logins and rights, over a store of a test's own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_READY_SECONDS = 300.0

_DAGS = """
from datetime import datetime
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator

for number in range(4):
    with DAG(f"shop_{number}", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
        EmptyOperator(task_id="build")
    globals()[f"shop_{number}"] = dag
"""
# Each user's password is its name. "ann" may read one DAG, and "viewer" has the role that FAB has for readers.
_ACCESS = """
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

ONE = [("can_read", "Website"), ("menu_access", "DAGs"), ("can_read", "DAG:shop_0"), ("can_read", "DAG Runs"),
       ("can_read", "Task Instances"), ("can_read", "Plugins"), ("menu_access", "Browse")]

def make():
    with get_application_builder() as builder:
        builder.add_permissions(update_perms=True)
        manager = builder.sm
        manager.sync_roles()
        one = manager.add_role("One")
        for action, resource in ONE:
            manager.add_permission_to_role(one, manager.create_permission(action, resource))
        viewer = manager.find_role("Viewer")
        manager.add_permission_to_role(viewer, manager.create_permission("can_read", "Plugins"))
        for name, role in (("admin", manager.find_role("Admin")), ("ann", one), ("viewer", viewer)):
            assert manager.add_user(name, name, name, f"{name}@example.invalid", role, name)

providers_configuration_loaded(make)()
"""


@dataclass(frozen=True)
class AirflowServer:
    """An api-server that answers.

    Attributes:
        url: Without a slash at the end.
        store: The folder of its artifact store.
    """

    url: str
    store: Path


@contextmanager
def airflow_server(folder: Path, store: Path) -> Iterator[AirflowServer]:
    """Starts one, and stops it."""
    (folder / "dags").mkdir(parents=True)
    (folder / "dags/shop.py").write_text(_DAGS)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PODBT"))},
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",
        "AIRFLOW__CORE__FERNET_KEY": "",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db",
        "AIRFLOW__API__SECRET_KEY": "a test's own",
        "AIRFLOW__API_AUTH__JWT_SECRET": "a test's own secret of thirty-two letters",
        "PODBT_ARTIFACTS": str(store),
        "PODBT_PAGE_INDEX": str(folder / "index"),
    }
    airflow = [sys.executable, "-m", "airflow"]

    def run(*command: str) -> None:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-4000:]}"

    run(*airflow, "db", "migrate")
    run(sys.executable, "-c", _ACCESS)
    run(*airflow, "dags", "reserialize")
    port = _free_port()
    log = (folder / "api-server.log").open("wb")
    command = [*airflow, "api-server", "--port", str(port), "--workers", "1"]
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, server, folder / "api-server.log")
        yield AirflowServer(url, store)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)
        log.close()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()[-4000:]
        try:
            with urllib.request.urlopen(f"{url}/api/v2/version", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"The api-server did not answer: {log.read_text()[-4000:]}")
