"""The chart's probes and its cleaner against a real Airflow: who is stopped is found, old rows go, new ones stay."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from tests.support.airflow_server import Airflow, airflow_server
from tests.support.chart.manifests import CHART, EVALUATION, render
from tests.support.postgres import PASSWORD, server
from tests.support.waiting import wait_for

# A whole Airflow for minutes: `make test-long` runs it.
pytestmark = [pytest.mark.postgres, pytest.mark.long]

FILES = CHART / "files"
DAGS = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator

with DAG("kept"):
    EmptyOperator(task_id="nothing")
"""
JOBS = {"scheduler": "SchedulerJob", "dag-processor": "DagProcessorJob", "triggerer": "TriggererJob"}
HOSTNAME = {"AIRFLOW__CORE__HOSTNAME_CALLABLE": "airflow.utils.net.get_host_ip_address"}
BEATS_WITHIN = 60
"""Seconds; a heartbeat comes every five, and here on a machine that does much else."""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    with (
        server() as postgres,
        airflow_server(tmp_path_factory.mktemp("airflow"), postgres, DAGS, **HOSTNAME) as running,
    ):
        yield running


def probe(airflow: Airflow, component: str) -> bool:
    """What the chart's liveness probe says, but for the age that it allows."""
    command = render(EVALUATION).pod(component).main["livenessProbe"]["exec"]["command"]
    assert command[1] == "/etc/podbt-scripts/heartbeat.py"
    words = [word for word in command[2:] if not word.startswith("--max-age=")]
    told = [sys.executable, str(FILES / "heartbeat.py"), *words, f"--max-age={BEATS_WITHIN}", "--patience=60"]
    return subprocess.run(told, env=airflow.env, check=False, capture_output=True).returncode == 0


def children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for thread in threads for child in (thread / "children").read_text().split()]


@pytest.mark.parametrize("component", list(JOBS))
def test_who_is_stopped_is_found_and_who_goes_on_is_well(airflow: Airflow, component: str) -> None:
    assert JOBS[component] in render(EVALUATION).pod(component).main["livenessProbe"]["exec"]["command"]
    wait_for(lambda: probe(airflow, component))
    process = airflow.processes[component]
    process.send_signal(signal.SIGSTOP)
    try:
        wait_for(lambda: not probe(airflow, component))
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGCONT)
    wait_for(lambda: probe(airflow, component))


def test_a_triggerer_whose_event_loop_is_stopped_is_found(airflow: Airflow) -> None:
    """The process that the database knows goes on: it is another one that follows the pods."""
    wait_for(lambda: probe(airflow, "triggerer"))
    below = children(airflow.processes["triggerer"].pid)
    assert below
    for pid in below:
        os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: not probe(airflow, "triggerer"))
    finally:
        for pid in below:
            os.kill(pid, signal.SIGCONT)
    wait_for(lambda: probe(airflow, "triggerer"))


def rows(airflow: Airflow, sql: str) -> list[tuple[object, ...]]:
    address = airflow.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].partition("://")[2]
    connection = psycopg2.connect(f"postgresql://{address}")
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()


def clean(airflow: Airflow, folder: Path, *flags: str) -> str:
    """Runs the cleaner as the chart does: with the configuration, the database, and none of Airflow's keys."""
    manifests = render(EVALUATION, cleanup={"metadata": {"enabled": True}})
    given = {one["name"] for one in manifests.pod("clean-metadata").main["env"]}
    text = manifests.get("ConfigMap", "podbt-airflow-config")["data"]["airflow.cfg"]
    (folder / "airflow.cfg").write_text(text.replace("/opt/airflow", str(folder)))
    values = {
        **airflow.env,
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW_CONFIG": str(folder / "airflow.cfg"),
        "USER": "airflow",
    }
    env = {name: values[name] for name in given if name in values}
    env["HOME"], env["PATH"] = str(folder), f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    assert "AIRFLOW__CORE__FERNET_KEY" not in env
    assert shutil.which("airflow", path=env["PATH"])
    done = subprocess.run(
        [sys.executable, str(FILES / "clean_metadata.py"), "--keep-days=365", "--batch-size=100", *flags],
        env=env, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert PASSWORD not in said
    return said


def test_old_rows_go_and_the_newest_stay(airflow: Airflow, tmp_path: Path) -> None:
    old, state = airflow.run("kept")
    young, _ = airflow.run("kept")
    assert state == "success"
    for table, column in (("dag_run", "start_date"), ("task_instance", "start_date")):
        rows(airflow, f"update {table} set {column} = now() - interval '400 days' where run_id = '{old}'")
    found = "select run_id from dag_run where dag_id = 'kept' order by id"
    assert "dag_run" in clean(airflow, tmp_path, "--dry-run")
    assert rows(airflow, found) == [(old,), (young,)]
    clean(airflow, tmp_path)
    assert rows(airflow, found) == [(young,)]
    assert rows(airflow, "select count(*) from task_instance") == [(1,)]
    # What was deleted is not kept in tables of its own.
    assert rows(airflow, "select count(*) from pg_tables where tablename like '_airflow_deleted%'") == [(0,)]
