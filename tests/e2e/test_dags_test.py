"""`airflow dags test` on a person's own machine: the DAG as it is, pods in the cluster, no Airflow in between."""

from pathlib import Path

import pytest
from tests.support.e2e import kube, store
from tests.support.e2e.rest import DAG
from tests.support.e2e.shell import ROOT, attempt, run, wait_until

pytestmark = pytest.mark.e2e


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An Airflow of its own: SQLite, no server."""
    env = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
    }
    run(AIRFLOW, "db", "migrate", env=env)
    return env


AIRFLOW = str(ROOT / ".venv" / "bin" / "airflow")


def test_the_nightly_dag_runs_from_this_machine(home: dict[str, str], settings_file: Path) -> None:
    before, pods = store.files("runs"), kube.managed_pods()
    done = attempt(AIRFLOW, "dags", "test", DAG, env=home, timeout_seconds=1200)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-6000:]
    new = {name.rpartition("/")[0] for name in store.files("runs") - before if name.endswith("/run.json")}
    records = [store.run_of(folder).record for folder in sorted(new)]
    assert {(one.identity.task_id, one.status) for one in records} == {
        ("source_freshness", "success"),
        ("build", "success"),
    }
    wait_until("its pods are gone", lambda: kube.managed_pods() <= pods, seconds=120)
