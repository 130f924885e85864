"""The nightly DAG by `airflow dags test`, on runtime local, and what came of it."""

from __future__ import annotations

import json
import os
import shlex
import threading
from typing import TYPE_CHECKING, Any

from localcluster.report import failures

if TYPE_CHECKING:
    from localcluster.console import Phase
    from localcluster.session import Session
    from localcluster.shell import Shell

    from localtry.folder import Folder
    from localtry.postgres import Server

DAG = "dental_nightly"
WATCH_SECONDS = 1.0


def warehouse_environment(server: Server) -> dict[str, str]:
    """Return what the project's profiles.yml reads."""
    return {
        "WAREHOUSE_HOST": "127.0.0.1",
        "WAREHOUSE_PORT": str(server.port),
        "WAREHOUSE_DATABASE": server.libpq["PGDATABASE"],
        "WAREHOUSE_USER": server.libpq["PGUSER"],
        "WAREHOUSE_PASSWORD": server.password,
        "WAREHOUSE_SSLMODE": "prefer",  # a throwaway server on loopback has no certificate
    }


def write_settings(folder: Folder, server: Server) -> None:
    """Write where dbt runs and how it reaches the warehouse; the password is in a file of its own."""
    secrets = warehouse_environment(server)
    folder.secrets.touch(mode=0o600)
    folder.secrets.write_text("".join(f"{name}={value}\n" for name, value in secrets.items()))
    folder.artifacts.mkdir(exist_ok=True)
    settings = {
        "runtime": "local",
        "target": "prod",
        "python": str(folder.program("dbt", "python")),
        "project": str(folder.project),
        "profiles": {"folder": str(folder.project)},
        "artifacts": {"folder": str(folder.artifacts)},
        "baked": str(folder.baked),
        "plan": str(folder.baked / "plan.json"),
        "env_file": str(folder.secrets),
    }
    folder.settings.write_text("# Written by `make try`.\n" + json.dumps(settings, indent=2) + "\n")  # JSON is YAML


def airflow_environment(folder: Folder) -> dict[str, str]:
    """Airflow without any server, at home in the folder."""
    return {
        "AIRFLOW_HOME": str(folder.airflow_home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder.root / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder.airflow_home}/airflow.db",
        "PODBT_SETTINGS": str(folder.settings),
        "PODBT_ARTIFACTS": str(folder.artifacts),
        "PYTHONWARNINGS": "ignore",
    }


def write_env(folder: Folder) -> None:
    """Write what a shell evaluates to use the folder's Airflow and podbt by hand."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in airflow_environment(folder).items()]
    lines.append(f'export PATH={shlex.quote(str(folder.venv("airflow") / "bin"))}:"$PATH"')
    folder.env.write_text("\n".join(lines) + "\n")


def clean(environ: dict[str, str]) -> dict[str, str]:
    """Leave out what another Airflow or dbt on this machine is configured by."""
    return {name: value for name, value in environ.items() if not name.startswith(("AIRFLOW", "PODBT_", "DBT_", "PG"))}


def run(folder: Folder, shell: Shell, phase: Phase) -> bool:
    """Run the DAG, saying which step is at work; return whether it succeeded."""
    over = threading.Event()
    known = {str(path) for path in _folders(folder)}

    def watch() -> None:
        while not over.wait(WATCH_SECONDS):
            for path in _folders(folder):
                if str(path) not in known:
                    known.add(str(path))
                    phase.note(path.parent.name + (" runs" if path.suffix == ".partial" else " ended"))

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        code, _ = shell.attempt(folder.program("airflow", "airflow"), "dags", "test", DAG)
    finally:
        over.set()
        watching.join()
    return code == 0


def report(session: Session, folder: Folder, shell: Shell, *, ok: bool) -> None:
    """Print the table of the build, or why there is none, and where to look."""
    plain = session.console.plain
    podbt = folder.program("dbt", "podbt")
    code, text = shell.attempt(podbt, "runs", "show", "latest", "--json")
    record: dict[str, Any] = json.loads(text)["run"] if code == 0 else {}
    if code == 0:
        plain()
        plain(shell.run(podbt, "runs", "show", "latest").rstrip())
    plain()
    if ok:
        counts = ", ".join(f"{number} {word}" for word, number in record.get("counts", {}).items() if number)
        plain(f"{DAG} succeeded: {counts}")
    else:
        plain(f"{DAG} FAILED; its log's end says why: {session.places.log('nightly')}")
        for line in failures(record) if record.get("status") == "failed" else ():
            plain(line)


def pointers(session: Session, folder: Folder, server: Server) -> None:
    """Print where to go on; how to read the password rather than the password."""
    here = shlex.quote(os.path.relpath(folder.path))
    psql = f"psql -h 127.0.0.1 -p {server.port} -U {server.libpq['PGUSER']} {server.libpq['PGDATABASE']}"
    for line in (
        f"artifacts: {here}/artifacts (podbt runs show latest)",
        f"log:       {here}/logs/nightly.log",
        f"tables:    . {here}/dbt.env; PGPASSWORD=$WAREHOUSE_PASSWORD {psql}",
        f"by hand:   . {here}/env; airflow dags test {DAG}",
        f"in a UI:   . {here}/env; airflow standalone   # http://127.0.0.1:8080",
        "the end:   make try-down",
    ):
        session.console.plain(line)


def _folders(folder: Folder) -> list[Any]:
    return sorted(folder.artifacts.glob(f"runs/{DAG}/*/*/try-*"))
