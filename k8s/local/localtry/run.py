"""`try` and `try-down`."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from localcluster.locks import lock_of
from localcluster.up import finish, together

from localtry import environments, nightly, postgres
from localtry.folder import digest, enter, with_environment

if TYPE_CHECKING:
    from localcluster.session import Session
    from localcluster.shell import Shell

    from localtry.folder import Folder
    from localtry.postgres import Server

PATIENTS = 300


def start(session: Session) -> int:
    """Do what is missing, then run the nightly DAG; return the exit code."""
    session, folder = enter(session)
    session = replace(session, shell=replace(session.shell, environ=nightly.clean(dict(os.environ))))
    with session.alone():
        with session.phase("tools", "uv, by its lock") as (_, shell):
            environments.installer(folder, shell)
        with together(session) as pool:
            airflow = pool.submit(_airflow, session, folder)
            warehouse = pool.submit(_warehouse, session, folder)
            finish([airflow, warehouse])
        server = warehouse.result()
        nightly.write_settings(folder, server)
        nightly.write_env(folder)
        with session.phase("nightly", f"the DAG {nightly.DAG} (log: {session.places.log('nightly')})") as (
            phase,
            shell,
        ):
            ok = nightly.run(folder, with_environment(shell, nightly.airflow_environment(folder)), phase)
            phase.result = "success" if ok else "failed"
        shell = session.shell.but(PODBT_ARTIFACTS=str(folder.artifacts))
        nightly.report(session, folder, shell, ok=ok)
        nightly.pointers(session, folder, server)
        session.console.summary()
        return 0 if ok else 1


def end(session: Session) -> int:
    """Stop the server and remove the folder."""
    session, folder = enter(session)
    with session.alone(), session.phase("postgres", "stopping") as (phase, shell):
        phase.result = postgres.stop(session, folder, shell)
    shutil.rmtree(folder.path)
    session.console.plain(f"{folder.path} is removed.")
    return 0


def _airflow(session: Session, folder: Folder) -> None:
    with session.phase("airflow", "its Python environment") as (phase, shell):
        phase.result = environments.provide(session, folder, shell, "airflow")
    with session.phase("airflow-home", "its database (SQLite)") as (phase, shell):
        folder.airflow_home.mkdir(exist_ok=True)
        airflow = with_environment(shell, nightly.airflow_environment(folder))
        lock = digest(folder.root / "requirements" / "airflow.txt")
        phase.result = "is there already"
        if session.state.read().get("airflow_home") != lock:
            airflow.do(folder.program("airflow", "airflow"), "db", "migrate")
            session.state.update(airflow_home=lock)
            phase.result = "made"


def _warehouse(session: Session, folder: Folder) -> Server:
    with session.phase("dbt", "its Python environment") as (phase, shell):
        phase.result = environments.provide(session, folder, shell, "dbt")
    with session.phase("postgres", "a server of this folder's own") as (phase, shell):
        server, phase.result = postgres.start(session, folder, shell)
    with session.phase("data", f"{PATIENTS} made-up patients") as (phase, shell):
        phase.result = _data(session, folder, with_environment(shell, server.libpq), server)
    with session.phase("plan", "dbt parses the project once") as (phase, shell):
        phase.result = _plan(session, folder, with_environment(shell, nightly.warehouse_environment(server)))
    return server


def _data(session: Session, folder: Folder, shell: Shell, server: Server) -> str:
    """Fill the warehouse for today, once a day: the sources would be stale tomorrow."""
    generator, today = folder.project / "demo_data", dt.datetime.now(tz=dt.UTC).date().isoformat()
    wanted = f"{digest(generator)} {PATIENTS} {today} {server.password[:4]}"
    if session.state.read().get("data") == wanted:
        return "are there already"
    command = (generator, "--patients", str(PATIENTS), "--as-of", today)
    shell.do(folder.program("dbt", "python"), *command)
    session.state.update(data=wanted)
    return "loaded"


def _plan(session: Session, folder: Folder, shell: Shell) -> str:
    """Do what the image's build does: a run then needs no parse."""
    wanted = digest(folder.project, lock_of(folder.root, "dbt"))
    if session.state.read().get("plan") == wanted:
        return "is there already"
    command = ("plan", "--project-dir", folder.project, "--output", folder.baked)
    shell.do(folder.program("dbt", "podbt"), *command)
    session.state.update(plan=wanted)
    return "made"
