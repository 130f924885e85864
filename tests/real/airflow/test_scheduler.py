"""Steps and model groups under a real Airflow, of whichever line is installed: scheduler, workers and triggerer.

The cluster is played: what Airflow does around a pod is the subject, and not what runs in it.
"""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from tests.support.airflow_server import Airflow, airflow_server
from tests.support.played_cluster import PLAN, PlayedCluster, played_cluster
from tests.support.postgres import server
from tests.support.settings import SETTINGS
from tests.support.waiting import wait_for

from podbt.airflow.supported import STARTS_IN_TRIGGER

# A whole Airflow for minutes: `make test-airflow` runs it on each line, and `make test-long`.
pytestmark = [pytest.mark.postgres, pytest.mark.long]

DAGS = """
from datetime import timedelta
from airflow.sdk import DAG
from podbt.airflow import DbtModelGroup, DbtOperator

def told(context): ...

with DAG("good"):
    DbtOperator(task_id="step", select="good")
with DAG("told"):
    DbtOperator(task_id="step", select="good", on_success_callback=told)
with DAG("bad"):
    DbtOperator(task_id="step", select="bad", retries=1, retry_delay=timedelta(seconds=1))
for name in ("marked", "cleared", "kept"):
    with DAG(name):
        DbtOperator(task_id="step", select="slow")
with DAG("models"):
    DbtModelGroup("g", assets=False)
with DAG("broken"):
    DbtModelGroup("g", assets=False, vars={"fail": True})
"""


@dataclass
class World:
    """Airflow, the cluster that it speaks to, and the loop that this lives in."""

    airflow: Airflow
    cluster: PlayedCluster
    loop: asyncio.AbstractEventLoop

    def starts(self, dag_id: str, *tasks: str) -> None:
        """Asserts which tasks took a worker: where the scheduler hands tasks to triggers, none did."""
        assert self.airflow.starts(dag_id) == ([] if STARTS_IN_TRIGGER else sorted(tasks))

    def runs(self, dag_id: str, attempt: str = "1") -> list[Any]:
        """The pods of a DAG's try that are there."""
        prefix = "podbt.io/"
        return [
            pod
            for pod in list(self.cluster.pods.values())
            if pod["metadata"]["annotations"][f"{prefix}dag-id"] == dag_id
            and pod["metadata"]["labels"][f"{prefix}try-number"] == attempt
        ]

    def made(self, dag_id: str) -> int:
        return sum(pod["metadata"]["annotations"]["podbt.io/dag-id"] == dag_id for pod in self.cluster.created)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("airflow")
    (folder / "plan.json").write_text(PLAN.to_json())
    quick = {"plan": str(folder / "plan.json"), "keep_finished_pod_seconds": 0}
    settings = SETTINGS.model_copy(update=quick).model_dump(mode="json", exclude_none=True)
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings))
    with server() as postgres, played_cluster(folder) as (cluster, loop, kubeconfig):
        places = {"PODBT_SETTINGS": str(folder / "settings.yaml"), "KUBECONFIG": str(kubeconfig)}
        with airflow_server(folder, postgres, DAGS, **places) as airflow:
            yield World(airflow, cluster, loop)


def test_a_step_succeeds(world: World) -> None:
    run_id, state = world.airflow.run("good")
    assert state == "success"
    assert world.airflow.task("good", run_id, "step")["try_number"] == 1
    xcom = world.airflow.call("GET", f"dags/good/dagRuns/{run_id}/taskInstances/step/xcomEntries/return_value")
    assert "runs/x" in str(xcom["value"])
    world.starts("good", "step")
    wait_for(lambda: not world.runs("good"))


def test_a_callback_takes_a_worker_at_the_end(world: World) -> None:
    _, state = world.airflow.run("told")
    assert state == "success"
    assert world.airflow.starts("told") == (["step"] if STARTS_IN_TRIGGER else ["step", "step"])


def test_a_step_that_fails_has_its_retries(world: World) -> None:
    run_id, state = world.airflow.run("bad")
    assert state == "failed"
    assert world.airflow.task("bad", run_id, "step")["try_number"] == 2
    assert world.made("bad") == 2
    # A failure that is to be tried again ends on a worker; the last one does not.
    world.starts("bad", "step", "step", "step")
    wait_for(lambda: not world.runs("bad") and not world.runs("bad", "2"))


def test_a_step_that_somebody_marks_loses_its_pod(world: World) -> None:
    run_id = world.airflow.trigger("marked")
    wait_for(lambda: bool(world.runs("marked")))
    path = f"dags/marked/dagRuns/{run_id}/taskInstances/step"
    world.airflow.call("PATCH", path, {"new_state": "failed"})
    wait_for(lambda: not world.runs("marked"))
    assert world.airflow.task("marked", run_id, "step")["state"] == "failed"


def test_a_step_that_somebody_clears_gets_another_pod(world: World) -> None:
    run_id = world.airflow.trigger("cleared")
    wait_for(lambda: bool(world.runs("cleared")))
    body = {"dry_run": False, "dag_run_id": run_id, "task_ids": ["step"], "only_failed": False}
    world.airflow.call("POST", "dags/cleared/clearTaskInstances", body)
    wait_for(lambda: bool(world.runs("cleared", "2")) and not world.runs("cleared", "1"))
    world.airflow.call("PATCH", f"dags/cleared/dagRuns/{run_id}/taskInstances/step", {"new_state": "success"})
    wait_for(lambda: not world.runs("cleared", "2"))


def test_a_model_group_succeeds(world: World) -> None:
    run_id, state = world.airflow.run("models")
    states = world.airflow.states("models", run_id)
    assert state == "success", states
    assert set(states) == {"g.start", "g.pod", "g.a", "g.b", "g.finish"}
    assert set(states.values()) == {"success"}
    assert world.made("models") == 1
    world.starts("models", "g.a", "g.b", "g.finish", "g.pod")


def test_what_podbts_triggers_do_not_need_is_spared(world: World) -> None:
    """A release of Airflow in which the listener finds nothing to hold on to fails here."""
    world.airflow.run("good")
    run_id, _ = world.airflow.run("models")
    log = (world.airflow.folder / "triggerer.log").read_text()
    with_dag = set(re.findall(r"Start from trigger enabled for task ([\w.]+)", log))
    assert with_dag == ({"g.pod", "g.finish"} if STARTS_IN_TRIGGER else set())
    assert world.airflow.task("models", run_id, "g.b")["state"] == "success"
    if STARTS_IN_TRIGGER:  # Airflow's dag-processor says so each time that it read a file for nothing
        assert "is not a failure callback" not in world.airflow.logs()


def test_a_model_that_fails_fails_alone(world: World) -> None:
    run_id, state = world.airflow.run("broken")
    states = world.airflow.states("broken", run_id)
    assert state == "failed"
    assert states == {"g.start": "success", "g.pod": "success", "g.a": "success", "g.b": "failed", "g.finish": "failed"}
    world.starts("broken", "g.a", "g.b", "g.finish", "g.pod")


def test_a_triggerer_that_goes_away_leaves_the_pod(world: World) -> None:
    run_id = world.airflow.trigger("kept")
    wait_for(lambda: bool(world.runs("kept")))
    world.airflow.stop("triggerer")
    (pod,) = world.runs("kept")
    assert pod["metadata"]["name"] not in world.cluster.deleted
    world.airflow.start("triggerer")
    world.loop.call_soon_threadsafe(world.cluster.release.set)
    wait_for(lambda: world.airflow.state("kept", run_id) == "success", 600)
    assert world.made("kept") == 1
    wait_for(lambda: not world.runs("kept"))
