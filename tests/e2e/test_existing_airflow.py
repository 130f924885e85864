"""podbt beside an Airflow that is not ours: other version, user ids, namespace, DAGs from outside the image."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.airflow_server import Airflow
from tests.support.e2e import kube, warehouse
from tests.support.e2e.foreign import image, manifests, release
from tests.support.e2e.shell import attempt, run, wait_until

from podbt.contract.settings.kubernetes import Settings

pytestmark = [pytest.mark.e2e, pytest.mark.long]


@pytest.fixture(scope="module")
def theirs(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    """Their Airflow, with podbt in its image, before anything of podbt's release is there."""
    name = image.bring(tmp_path_factory.mktemp("image"), settings.image)
    container = kube.get("statefulset", "podbt-postgres")["spec"]["template"]["spec"]["containers"][0]
    with release.airflow(name, container["image"], tmp_path_factory.mktemp("airflow")) as client:
        yield client


@pytest.fixture(scope="module")
def first_step(theirs: Airflow, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """From `helm install` to the first green step; the id of its run."""
    before = release.uids()
    secrets, maps = release.names("secrets", manifests.AIRFLOW), release.names("configmaps", manifests.AIRFLOW)
    began = time.monotonic()
    notes = release.install(tmp_path_factory.mktemp("values"), settings.image)
    installed = time.monotonic()
    wait_until("settings and plan are with their Airflow", release.brought, seconds=300)
    brought = time.monotonic()
    run_id, state = theirs.run("finance")
    ended = time.monotonic()
    print(f"helm install {installed - began:.0f} s, brought {brought - installed:.0f} s, step {ended - brought:.0f} s")
    assert state == "success"
    assert f'Airflow {image.VERSION} in namespace "{manifests.AIRFLOW}"' in notes
    assert release.uids() == before  # nothing of theirs has started again
    assert release.names("secrets", manifests.AIRFLOW) == secrets
    added = release.names("configmaps", manifests.AIRFLOW) - maps
    assert added == {"configmap/podbt-settings", "configmap/podbt-plan"}
    yield run_id
    warehouse.drop({name for name in warehouse.schemas() if name.startswith(release.SCHEMA)})


def test_before_the_release_a_step_says_what_is_missing(theirs: Airflow) -> None:
    run_id, state = theirs.run("finance")
    assert state == "failed"
    log = json.dumps(theirs.call("GET", f"dags/finance/dagRuns/{run_id}/taskInstances/step/logs/1"))
    assert "/etc/podbt/settings.yaml" in log
    (error,) = theirs.call("GET", "importErrors")["import_errors"]  # a group needs the plan where its file is read
    assert error["filename"] == "finance_models.py"


def test_the_first_step_is_green_in_a_pod_of_dbts_namespace(theirs: Airflow, first_step: str) -> None:
    assert theirs.task("finance", first_step, "step")["state"] == "success"
    found = theirs.call("GET", f"dags/finance/dagRuns/{first_step}/taskInstances/step/xcomEntries/return_value")
    said = found["value"] if isinstance(found["value"], dict) else json.loads(found["value"])
    assert said["status"] == "success"
    view = f"{release.SCHEMA}_staging.stg_opendental__employers"
    assert warehouse.row_counts([view])[view] > 0
    assert not [name for name in release.names("pods", manifests.AIRFLOW) if "finance" in name]


@pytest.mark.usefixtures("first_step")
def test_a_failed_step_has_dbts_words_and_leaves_no_pod(theirs: Airflow) -> None:
    run_id, state = theirs.run("finance_fails")
    assert state == "failed"
    log = json.dumps(theirs.call("GET", f"dags/finance_fails/dagRuns/{run_id}/taskInstances/step/logs/1"))
    assert "fct_procedures" in log
    assert "does not exist" in log  # the database's words: nothing that the model reads is there
    wait_until("no dbt pod runs", lambda: all(pod["status"]["phase"] != "Running" for pod in release.dbt_pods()))


@pytest.mark.usefixtures("first_step")
def test_a_model_group_is_green(theirs: Airflow) -> None:
    wait_until(
        "the group's DAG is there",
        lambda: "finance_models" in {one["dag_id"] for one in theirs.call("GET", "dags")["dags"]},
        seconds=600,
    )
    run_id, state = theirs.run("finance_models")
    assert state == "success"
    states = theirs.states("finance_models", run_id)
    assert {name for name in states if "stg_opendental__clinics" in name}
    assert set(states.values()) == {"success"}


@pytest.mark.usefixtures("first_step")
def test_the_named_accounts_may_start_pods_and_nobody_else() -> None:
    def may(account: str, verb: str, kind: str, namespace: str) -> bool:
        kind, _, part = kind.partition("/")
        words = (verb, kind, *([f"--subresource={part}"] if part else []), "--namespace", namespace)
        who = f"--as=system:serviceaccount:{manifests.AIRFLOW}:{account}"
        return attempt("kubectl", "auth", "can-i", *words, who).returncode == 0

    assert may("airflow-triggerer", "create", "pods", manifests.DBT)
    assert may("airflow-triggerer", "get", "pods/log", manifests.DBT)
    for account, verb, kind, namespace in (
        ("airflow-dag-processor", "create", "pods", manifests.DBT),
        ("airflow-api-server", "create", "pods", manifests.DBT),
        ("default", "create", "pods", manifests.DBT),
        ("airflow-triggerer", "get", "secrets", manifests.DBT),
        ("airflow-triggerer", "create", "pods", manifests.AIRFLOW),
        ("airflow-triggerer", "create", "pods/exec", manifests.DBT),
    ):
        assert not may(account, verb, kind, namespace), (account, verb, kind)


@pytest.mark.usefixtures("first_step")
def test_dbts_pods_hold_nothing_of_airflow() -> None:
    pods = release.dbt_pods()
    assert pods
    text = json.dumps(pods)
    for word in ("airflow-environment", "airflow-postgresql", "FERNET", "SQL_ALCHEMY"):
        assert word not in text
    assert {pod["spec"]["automountServiceAccountToken"] for pod in pods} == {False}


def test_after_an_uninstall_their_airflow_goes_on(
    theirs: Airflow, first_step: str, settings: Settings, tmp_path: Path
) -> None:
    """Last in this module: the release is gone afterwards, the run records stay."""
    before = release.uids()
    claims = release.names("persistentvolumeclaims", manifests.DBT)
    assert claims
    run("helm", "uninstall", release.RELEASE, "--namespace", manifests.DBT, "--wait")
    assert release.uids() == before
    assert release.names("persistentvolumeclaims", manifests.DBT) == claims
    assert theirs.task("finance", first_step, "step")["state"] == "success"
    release.install(tmp_path, settings.image)
    wait_until("settings and plan are back", release.brought, seconds=300)
    _, state = theirs.run("finance")
    assert state == "success"


def test_dbt_runs_under_any_user_id(theirs: Airflow, settings: Settings, tmp_path: Path) -> None:
    """As OpenShift has it, which gives each namespace ids of its own. After the module's other releases."""
    run("helm", "uninstall", release.RELEASE, "--namespace", manifests.DBT, "--wait")
    # A step's pod that has just ended is kept for a moment, and a claim that a pod names does not go.
    run("kubectl", "--namespace", manifests.DBT, "delete", "pods,persistentvolumeclaims", "--all", "--wait")
    ids = {"runAsUser": 1000660000, "runAsGroup": 1000660000, "fsGroup": 1000660000}
    release.install(tmp_path, settings.image, podSecurity=ids)
    wait_until("settings and plan are back", release.brought, seconds=300)
    run_id, state = theirs.run("finance")
    assert state == "success", theirs.call("GET", f"dags/finance/dagRuns/{run_id}/taskInstances/step/logs/1")
    (pod,) = [pod for pod in release.dbt_pods() if pod["metadata"]["annotations"]["podbt.io/run-id"] == run_id]
    assert pod["spec"]["securityContext"]["runAsUser"] == ids["runAsUser"]
