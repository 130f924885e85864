"""What no retry can help fails at once, and says what to do."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from tests.support.e2e import kube
from tests.support.e2e.needles import Needles
from tests.support.e2e.nightly import BUILD, ENDED, FRESHNESS, Night
from tests.support.e2e.rest import Airflow, run_path
from tests.support.e2e.shell import wait_until

from podbt.contract.settings.kubernetes import Settings

pytestmark = pytest.mark.e2e

SECRET, KEY = "podbt-profiles", "profiles.yml"
BOUND_SECONDS = 60


@dataclass(frozen=True)
class Refused:
    """A night that failed in its first step."""

    run_id: str
    task: dict[str, Any]
    tries: int
    log: str
    seconds: float
    """From the pod's creation to the task's end."""

    def check_no_retry(self) -> None:
        assert (self.task["state"], self.task["try_number"], self.tries) == ("failed", 1, 1), self.log
        assert self.task["max_tries"] == 2  # retries were left


def refused(airflow: Airflow, settings: Settings, change: AbstractContextManager[None]) -> Refused:
    night = Night(airflow, settings)
    with change:
        try:
            night.start()
            pod = wait_until("the pod is there", lambda: night.pods(1, FRESHNESS), seconds=600, every=0.5)[0]
            task = night.wait({"failed", "success", "up_for_retry"}, task_id=FRESHNESS)
            tries = len(airflow.tries(night.run_id, FRESHNESS))
            log = night.log(1, FRESHNESS)
            if task["state"] == "failed":  # ended by hand, the run's other tasks would be skipped
                run = run_path(night.run_id)
                wait_until("the run has ended", lambda: airflow.get(run)["state"] in ENDED, seconds=300)
        finally:
            night.end()
    created, ended = (datetime.fromisoformat(at) for at in (pod["metadata"]["creationTimestamp"], task["end_date"]))
    return Refused(night.run_id, task, tries, log, (ended - created).total_seconds())


@pytest.fixture(scope="module")
def wrong(airflow: Airflow, settings: Settings, wrong_password: str) -> Refused:
    right = kube.secret("podbt-warehouse")["password"]
    profiles = kube.secret(SECRET)[KEY]
    assert right in profiles
    changed = {KEY: profiles.replace(right, wrong_password)}
    return refused(airflow, settings, kube.changed_secret(SECRET, changed))


def test_a_wrong_password_fails_without_a_retry(wrong: Refused, airflow: Airflow) -> None:
    wrong.check_no_retry()
    assert airflow.get(run_path(wrong.run_id))["state"] == "failed"
    assert airflow.task(wrong.run_id, BUILD)["state"] == "upstream_failed"


def test_a_wrong_password_is_one_clear_line(wrong: Refused) -> None:
    said = [line for line in wrong.log.splitlines() if line.startswith("The database refused the login")]
    refusal = 'password authentication failed for user "warehouse"'
    assert said == [f"The database refused the login: {refusal}. Check the profiles Secret."]


def test_a_wrong_password_is_written_nowhere(wrong: Refused, wrong_password: str) -> None:
    needles = Needles({"wrong password": wrong_password})
    assert wrong_password not in wrong.log
    assert needles.in_volumes() == []
    assert needles.in_cluster() == []


def test_a_missing_secret_fails_at_once_and_is_named(airflow: Airflow, settings: Settings) -> None:
    seen = refused(airflow, settings, kube.changed_secret(SECRET, None))
    seen.check_no_retry()
    assert f"Secret '{SECRET}' does not exist in namespace '{settings.namespace}'" in seen.log
    assert seen.seconds < BOUND_SECONDS


def test_a_missing_key_fails_at_once_and_is_named(airflow: Airflow, settings: Settings) -> None:
    other = {"profiles.yaml": kube.secret(SECRET)[KEY]}
    seen = refused(airflow, settings, kube.changed_secret(SECRET, other))
    seen.check_no_retry()
    assert f"Secret '{SECRET}' in namespace '{settings.namespace}' has no key '{KEY}'" in seen.log
    assert seen.seconds < BOUND_SECONDS
