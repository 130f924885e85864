"""Two installations in one namespace with the same DAG, run, task and try: two pods, two results, two stores."""

import asyncio
import os
from typing import Any

import pytest
from tests.support.e2e import kube, store
from tests.support.e2e.nightly import PREFIX

from podbt.airflow.pods import cluster
from podbt.airflow.pods.follow import PodFollower
from podbt.contract.exits import ExitReason
from podbt.contract.layout import run_folder
from podbt.contract.outcome import Outcome
from podbt.contract.record import RunIdentity
from podbt.contract.settings.kubernetes import Settings
from podbt.contract.step import Step
from podbt.pod.build import pod_name

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("kubeconfig")]

MODEL = "stg_opendental__employers"
STEP = Step.from_dict({"command": "run", "select": [MODEL], "target": "demo"})
OTHER = "podbt.neighbour"


class Log:
    def info(self, message: str, *args: object) -> None: ...
    def warning(self, message: str, *args: object) -> None: ...


@pytest.fixture
def kubeconfig(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client reads $KUBECONFIG when it is imported, which is before the tests know it."""
    location = os.environ["KUBECONFIG"]
    monkeypatch.setattr("kubernetes_asyncio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", location)


def neighbour(settings: Settings, folder: str) -> Settings:
    """Another release's settings in the same namespace, with a folder of its own on the volume or without."""
    artifacts = settings.artifacts.model_copy(update={"sub_path": folder})
    return settings.model_copy(update={"instance": OTHER, "artifacts": artifacts})


async def _together(identity: RunIdentity, *installations: Settings) -> list[Outcome]:
    followers = [PodFollower(one, STEP, identity, Log()) for one in installations]
    try:
        outcomes = await asyncio.gather(*(one.follow() for one in followers))
        names = {one.name for one in followers}
        assert names <= {pod["metadata"]["name"] for pod in kube.items("pods")}  # each its own, and all at one time
        assert len(names) == len(installations)
        return outcomes
    finally:
        await asyncio.gather(*(one.delete(now=True) for one in followers))
        await cluster.disconnect()


def run(task_id: str, *installations: Settings) -> list[Outcome]:
    identity = RunIdentity(dag_id="e2e", run_id=f"{PREFIX}whose", task_id=task_id)
    return asyncio.run(_together(identity, *installations))


def test_two_releases_have_two_pods_and_two_results(settings: Settings) -> None:
    mine, theirs = run("both", settings, neighbour(settings, "e2e-neighbour"))
    assert (mine.summary.exit_reason, theirs.summary.exit_reason) == (ExitReason.SUCCESS, ExitReason.SUCCESS)
    identity = RunIdentity(dag_id="e2e", run_id=f"{PREFIX}whose", task_id="both")
    assert pod_name(identity, settings.instance) != pod_name(identity, OTHER)
    records: list[Any] = [store.run_of(f"{prefix}{run_folder(identity)}").record for prefix in ("", "e2e-neighbour/")]
    assert records[0].started_at != records[1].started_at


def test_a_second_release_is_refused_in_the_store_of_the_first(settings: Settings) -> None:
    (outcome,) = run("refused", neighbour(settings, ""))
    assert outcome.summary.exit_reason is ExitReason.CONFIG_ERROR
    for word in (OTHER, settings.instance, "artifacts.subPath"):
        assert word in outcome.line
