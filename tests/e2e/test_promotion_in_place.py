"""Another dbt image while runs are in flight: nothing of Airflow starts again, and each run keeps its image."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from tests.support.e2e import kube, release, store, warehouse
from tests.support.e2e.due import unpause
from tests.support.e2e.nightly import ENDED, PREFIX, HeldBuild, Night
from tests.support.e2e.rest import Airflow
from tests.support.e2e.shell import wait_until

from podbt.contract.settings.kubernetes import Settings

pytestmark = [pytest.mark.e2e, pytest.mark.long]

ADHOC = "dental_adhoc"
MODEL = "stg_opendental__employers"  # a view of the table that holds the nightly build
NOWHERE = "sha256:" + "0" * 64


@dataclass(frozen=True)
class Adhoc:
    """A run of one model on a target of its own."""

    airflow: Airflow
    run_id: str

    @classmethod
    def start(cls, airflow: Airflow) -> "Adhoc":
        run_id = f"{PREFIX}{secrets.token_hex(4)}"
        conf = {"command": "run", "select": MODEL, "target": "demo"}
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        airflow.post(f"/dags/{ADHOC}/dagRuns", body)
        return cls(airflow, run_id)

    @property
    def path(self) -> str:
        return f"/dags/{ADHOC}/dagRuns/{quote(self.run_id, safe='')}"

    @property
    def folder(self) -> str:
        return f"runs/{ADHOC}/{self.run_id}/dbt/try-1"

    def task(self) -> dict[str, Any]:
        return dict(self.airflow.get(f"{self.path}/taskInstances/dbt"))

    def log(self) -> str:
        found = self.airflow.get(f"{self.path}/taskInstances/dbt/logs/1", full_content=True)
        return "\n".join(str(item.get("event", item)) for item in found["content"])

    def wait(self) -> str:
        wait_until(f"{self.run_id} ends", lambda: self.task()["state"] in ENDED, seconds=600)
        return str(self.task()["state"])

    def image(self) -> str | None:
        return store.run_of(self.folder).record.image


@pytest.fixture(scope="module", autouse=True)
def adhoc_unpaused(airflow: Airflow) -> Iterator[None]:
    paused = bool(airflow.get(f"/dags/{ADHOC}")["is_paused"])
    unpause(airflow, ADHOC)
    yield
    for run in airflow.get(f"/dags/{ADHOC}/dagRuns", limit=100)["dag_runs"]:
        if run["dag_run_id"].startswith(PREFIX):
            airflow.delete(f"/dags/{ADHOC}/dagRuns/{quote(run['dag_run_id'], safe='')}")
    airflow.patch(f"/dags/{ADHOC}", {"is_paused": paused})


@contextmanager
def two_in_flight(night: Night, settings: Settings) -> Iterator[tuple[HeldBuild, Adhoc]]:
    """The nightly build and another run on another target, both waiting for a locked table."""
    with night.held_build() as build:
        other = Adhoc.start(night.airflow)
        wait_until(
            "the second run's pod runs",
            lambda: any(
                pod["status"]["phase"] == "Running"
                for pod in kube.dbt_pods(settings, run_id=other.run_id, task_id="dbt")
            ),
            seconds=600,
        )
        wait_until("both wait for the table", lambda: len(_waiting()) > 1, seconds=300)
        yield build, other


def _waiting() -> list[dict[str, Any]]:
    return [row for row in warehouse.dbt_queries() if row["wait_event_type"] == "Lock"]


def test_a_good_promotion_restarts_nothing_and_each_run_keeps_its_image(
    night: Night, airflow: Airflow, settings: Settings
) -> None:
    repository, _, tag = settings.image.rpartition(":")
    promoted = f"{repository}:{tag}-promoted"
    release.tag_on_node(settings.image, promoted)
    with release.restored(settings.image), two_in_flight(night, settings) as (build, other):
        before = kube.airflow_uids()
        release.promote(tag=f"{tag}-promoted")
        release.wait_brought(promoted)
        assert kube.airflow_uids() == before
        # A triggerer that starts after the promotion knows from the pods alone what they were made from.
        kube.force_delete(*kube.pods_of("triggerer"))
        name = build.pod["metadata"]["name"]
        wait_until("another triggerer attaches", lambda: f"Pod {name} is there already, attached" in build.log)
        build.release()
        assert build.wait(ENDED)["state"] == "success", build.log
        assert other.wait() == "success", other.log()
        assert store.run_of(build.folder).record.image == settings.image
        assert other.image() == settings.image
        later = Adhoc.start(airflow)
        assert later.wait() == "success", later.log()
        assert later.image() == promoted
        kube.wait_rolled_out("triggerer")


def test_a_digest_that_does_not_exist_fails_the_next_task_alone(
    night: Night, airflow: Airflow, settings: Settings
) -> None:
    missing = f"{settings.image.rpartition(':')[0]}@{NOWHERE}"
    # One alone: on a node of two cores the Jobs that cannot pull the image, either, take the room of another step.
    with release.restored(settings.image), night.held_build() as build:
        before = kube.airflow_uids()
        release.promote(digest=NOWHERE)
        release.wait_brought(missing)
        assert kube.airflow_uids() == before
        last = Adhoc.start(airflow)
        assert last.wait() == "failed"
        assert missing in last.log()
        build.release()
        assert build.wait(ENDED)["state"] == "success", build.log
        assert kube.airflow_uids() == before
