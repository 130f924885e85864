"""A release that is tested, stopped, changed, brought back and taken away, with a run of dbt in flight."""

from typing import Any

import pytest
from tests.support.e2e import kube, release, store, warehouse
from tests.support.e2e.nightly import ENDED, HeldBuild, Night
from tests.support.e2e.rest import Airflow
from tests.support.e2e.shell import attempt, wait_until

from podbt.contract.settings.kubernetes import Settings

pytestmark = [pytest.mark.e2e, pytest.mark.long]

WATCHED = ("scheduler", "dag-processor", "triggerer")
LOGS = "/opt/airflow/logs"


def phase(build: HeldBuild) -> str | None:
    """Of the build's pod; None where another one has its place."""
    found = attempt(
        *kube.KUBECTL, "get", "pod", build.pod["metadata"]["name"], "--output=jsonpath={.metadata.uid} {.status.phase}"
    )
    uid, _, now = found.stdout.partition(" ")
    return now if uid == build.pod["metadata"]["uid"] else None


def replaced(before: dict[str, set[str]]) -> dict[str, set[str]]:
    """Waits until no pod of before is left; one that ends is there as long as its tasks have time to."""

    def others() -> dict[str, set[str]] | None:
        now = kube.airflow_uids()
        return None if any(before[component] & now[component] for component in kube.COMPONENTS) else now

    return wait_until("all pods of Airflow are others", others, seconds=900)


def strategy(component: str) -> dict[str, Any]:
    return dict(kube.get("deployment", f"podbt-{component}")["spec"]["strategy"])


def test_dbt_says_that_it_works(settings: Settings) -> None:
    before = warehouse.schemas()
    done = release.test("--logs")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "POD LOGS: podbt-test (dbt)" in done.stdout
    assert "OK connection ok" in done.stdout
    assert "build --selector smoke_test --target demo" in done.stdout
    assert before <= warehouse.schemas()


def test_dbt_says_what_is_wrong(wrong_password: str) -> None:
    right = kube.secret("podbt-warehouse")["password"]
    profile = kube.secret("podbt-profiles")["profiles.yml"]
    assert right in profile
    with kube.changed_secret("podbt-profiles", {"profiles.yml": profile.replace(right, wrong_password)}):
        done = release.test("--logs")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "password authentication failed" in said
    assert wrong_password not in said
    assert "command 2 of 2 is not run, since the one before it failed: build --selector smoke_test" in said


def test_who_is_stopped_starts_again_and_the_run_goes_on(night: Night) -> None:
    with night.held_build() as build:
        before = {component: kube.restarts(component) for component in WATCHED}
        for component in WATCHED:
            kube.signal_on_node(component, "STOP")
        for component in WATCHED:
            wait_until(
                f"{component} was started again",
                lambda component=component: kube.restarts(component) > before[component],  # type: ignore[misc]
                seconds=1200,
                every=5,
            )
            kube.wait_rolled_out(component)
        assert phase(build) == "Running"
        build.release()
        assert build.wait(ENDED)["state"] == "success", build.log


def test_another_configuration_rolls_and_so_does_the_way_back(night: Night) -> None:
    number = release.revision()
    with night.held_build() as build:
        before = kube.airflow_uids()
        try:
            release.upgrade("--set", "airflow.parallelism=7")
            for component in kube.COMPONENTS:
                assert strategy(component)["type"] == "RollingUpdate"
            between = replaced(before)
            assert phase(build) == "Running"
        finally:
            if release.revision() != number:
                release.rollback(number)
        replaced(between)
        assert phase(build) == "Running"
        build.release()
        assert build.wait(ENDED)["state"] == "success", build.log
        assert len(build.night.pods(build.try_number)) <= 1


def test_old_logs_go_and_young_ones_stay() -> None:
    old, young = f"{LOGS}/e2e/old.log", f"{LOGS}/e2e/young.log"
    kube.exec_api_server("sh", "-c", f"mkdir -p {LOGS}/e2e && touch -d '100 days ago' {old} && touch {young}")
    kube.kubectl("create", "job", "e2e-clean", "--from=cronjob/podbt-clean-logs")
    try:
        kube.kubectl("wait", "job/e2e-clean", "--for=condition=Complete", "--timeout=600s")
        assert "older than 90 days" in kube.kubectl("logs", "job/e2e-clean")
        left = kube.exec_api_server("ls", f"{LOGS}/e2e").split()
        assert left == ["young.log"]
    finally:
        kube.kubectl("delete", "job", "e2e-clean")
        kube.exec_api_server("rm", "-rf", f"{LOGS}/e2e")


def test_what_an_uninstall_leaves_is_taken_over(night: Night, airflow: Airflow) -> None:
    """The evaluation database goes with the release, so the run in flight says what it lost; the next try works."""
    installed = release.Installed.read()
    kept = {("pvc", "podbt-artifacts"), ("pvc", "data-podbt-postgres-0"), ("secret", "podbt-airflow")}
    with night.held_build() as build:
        try:
            release.uninstall()
            for kind, name in kept:
                assert kube.get(kind, name)["metadata"]["name"] == name
            assert attempt(*kube.KUBECTL, "get", "deployment", "podbt-scheduler").returncode != 0
            # Nobody watches it any more, and it ends all the same.
            wait_until("the build's pod has ended", lambda: phase(build) in {"Succeeded", "Failed"}, seconds=900)
        finally:
            installed.install()
        login = kube.secret("podbt-admin")
        airflow.log_in_as(login["username"], login["password"])
        build.wait({"up_for_retry", *ENDED})
        record = store.run_of(build.folder).record
        assert record.exit_reason == "connection_error"
