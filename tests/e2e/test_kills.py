"""Whatever is killed while dbt runs: no success without its record, and no run that never ends."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from tests.support.e2e import kube, store
from tests.support.e2e.needles import Needles
from tests.support.e2e.nightly import ENDED, HeldBuild, Night
from tests.support.e2e.shell import attempt, wait_until

from podbt.contract import layout
from podbt.contract.exits import ExitReason

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Deleted:
    """A build whose pod somebody deleted."""

    build: HeldBuild
    task: dict[str, Any]
    log: str


@pytest.fixture(scope="module")
def deleted(night: Night) -> Deleted:
    with night.held_build() as build:
        kube.kubectl("delete", "pod", build.pod["metadata"]["name"], "--wait=false")
        task = build.wait({"up_for_retry", *ENDED})
        return Deleted(build, task, build.log)


def test_a_dbt_pod_has_no_more_rights_than_it_needs(deleted: Deleted) -> None:
    labels = kube.get("namespace", kube.NAMESPACE)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    spec = deleted.build.pod["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert not [volume for volume in spec["volumes"] if "projected" in volume]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        context = container["securityContext"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False


def test_a_dbt_pods_spec_holds_no_secret(deleted: Deleted) -> None:
    assert Needles.of_cluster({}).within(json.dumps(deleted.build.pod), "the pod's spec") == []


def test_a_dbt_pods_account_may_do_nothing(deleted: Deleted) -> None:
    account = f"system:serviceaccount:{kube.NAMESPACE}:{deleted.build.pod['spec']['serviceAccountName']}"
    for verb, what in (("get", "secrets"), ("list", "pods"), ("create", "pods")):
        answer = attempt(*kube.KUBECTL, "auth", "can-i", verb, what, f"--as={account}")
        assert answer.stdout.strip() == "no"


def test_a_deleted_pod_is_a_failed_try(deleted: Deleted) -> None:
    assert deleted.task["state"] == "up_for_retry", deleted.log
    assert f"Pod {deleted.build.pod['metadata']['name']} was deleted while it ran." in deleted.log.splitlines()


def test_a_deleted_pods_run_is_never_recorded_as_success(deleted: Deleted) -> None:
    """dbt was told to stop and had time: it cancelled its queries and published what it had."""
    folder = deleted.build.folder
    wait_until("the pod is gone", lambda: not deleted.build.night.pods(deleted.build.try_number))
    record = store.run_of(folder).record
    assert (record.status, record.exit_reason) == ("failed", ExitReason.INTERRUPTED)
    assert store.pointer(str(record.target), layout.LATEST_SUCCESS)["run"] != folder


def test_a_killed_scheduler_costs_no_run_and_invents_no_success(night: Night) -> None:
    with night.held_build() as build:
        kube.force_delete(*kube.pods_of("scheduler"))
        build.release()
        task = build.wait({"up_for_retry", *ENDED})
        kube.wait_rolled_out("scheduler")
        published = f"{build.folder}/run.json" in store.files(build.folder.rpartition("/")[0])
        recorded = store.run_of(build.folder).record.status if published else None
        assert (task["state"] == "success") == (recorded == "success"), build.log
        assert task["state"] == "success", build.log


def test_a_killed_triggerers_successor_follows_the_same_pod(night: Night) -> None:
    with night.held_build() as build:
        name, uid = build.pod["metadata"]["name"], build.pod["metadata"]["uid"]
        kube.force_delete(*kube.pods_of("triggerer"))
        wait_until("another triggerer attaches", lambda: f"Pod {name} is there already, attached" in build.log)
        assert [pod["metadata"]["uid"] for pod in night.pods(build.try_number)] == [uid]
        build.release()
        task = build.wait({"up_for_retry", *ENDED})
        assert (task["state"], task["try_number"]) == ("success", build.try_number), build.log
        assert {pod["metadata"]["uid"] for pod in night.pods(build.try_number)} <= {uid}
        assert store.run_of(build.folder).record.status == "success"
        # A second pod of the same try would have left a folder of its own.
        assert not [one for one in store.beside(build.folder) if one.startswith(f"try-{build.try_number}.")]
        kube.wait_rolled_out("triggerer")
