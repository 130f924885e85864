"""dbt's side of podbt beside an Airflow that is not ours, and the way to that Airflow."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests
import yaml
from tests.support.airflow_server import Airflow
from tests.support.e2e import kube
from tests.support.e2e.foreign.image import VERSION
from tests.support.e2e.foreign.manifests import AIRFLOW, COMPONENTS, DBT, NODE_PORT, objects
from tests.support.e2e.shell import ROOT, attempt, run, wait_until

RELEASE = "podbt"
SCHEMA = "their_finance"
_THEIRS = ("kubectl", "--namespace", AIRFLOW)
_DBTS = ("kubectl", "--namespace", DBT)


@contextmanager
def airflow(image: str, postgres: str, folder: Path) -> Iterator[Airflow]:
    """Runs an Airflow without podbt's release until the block ends."""
    remove()
    try:
        run("kubectl", "apply", "--filename", "-", stdin=json.dumps(_list(objects(image=image, postgres=postgres))))
        for component in COMPONENTS:
            run(*_THEIRS, "rollout", "status", f"deployment/airflow-{component}", "--timeout=900s")
        client = Airflow(folder, NODE_PORT, {}, {})
        wait_until("their Airflow has its DAGs", lambda: _has_dags(client), seconds=900, every=5)
        yield client
    finally:
        remove()


def _has_dags(client: Airflow) -> bool:
    with suppress(requests.ConnectionError, AssertionError):
        found = client.call("GET", "dags")["dags"]
        errors = client.call("GET", "importErrors")["import_errors"]
        return bool(found or errors)
    return False


def remove() -> None:
    attempt("helm", "uninstall", RELEASE, "--namespace", DBT, "--wait")
    run("kubectl", "delete", "namespace", AIRFLOW, DBT, "--ignore-not-found", "--wait", timeout_seconds=600)
    kube.kubectl("delete", "networkpolicy", "their-dbt", "--ignore-not-found")


def install(folder: Path, dbt_image: str, **changes: Any) -> str:
    """Installs dbt's side as docs/existing-airflow.md has it, and returns helm's notes.

    Args:
        folder: For the file of values.
        dbt_image: Name and tag of the project's image.
        changes: Values that differ from the documentation's, by their first key.
    """
    login = {**kube.secret("podbt-warehouse"), "host": f"podbt-postgres.{kube.NAMESPACE}.svc.cluster.local"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "warehouse"}, "stringData": login}
    run(*_DBTS, "apply", "--filename", "-", stdin=json.dumps(secret))
    repository, _, tag = dbt_image.rpartition(":")
    values = {
        "airflow": {"enabled": False},
        "existingAirflow": {
            "namespace": AIRFLOW,
            "serviceAccounts": [f"airflow-{name}" for name in ("triggerer", "scheduler", "worker")],
            "version": VERSION,
        },
        "dbt": {
            "image": {"repository": repository, "tag": tag},
            "target": "demo",
            "profiles": {"targets": {"demo": SCHEMA}},
        },
        "warehouse": {"existingSecret": "warehouse", "sslMode": "disable"},
        **changes,
    }
    file = folder / "podbt.yaml"
    file.write_text(yaml.safe_dump(values))
    chart = str(ROOT / "helm/podbt")
    waiting = ("--wait", "--wait-for-jobs", "--timeout", "15m")
    return run("helm", "upgrade", "--install", RELEASE, chart, "--namespace", DBT, "--values", str(file), *waiting)


def brought() -> bool:
    """Whether the settings and the plan have reached all of their Airflow's pods; the kubelet takes its time."""
    return all(
        attempt(*_THEIRS, "exec", f"deploy/airflow-{name}", "-c", name, "--", "sh", "-c",
                "test -s /etc/podbt/settings.yaml && test -s /etc/podbt/plans.json").returncode == 0
        for name in COMPONENTS
    )  # fmt: skip


def dbt_pods() -> list[dict[str, Any]]:
    found = json.loads(run(*_DBTS, "get", "pods", "--output", "json"))["items"]
    return [pod for pod in found if "podbt.io/run-id" in pod["metadata"]["labels"]]


def names(kind: str, namespace: str) -> set[str]:
    return set(run("kubectl", "--namespace", namespace, "get", kind, "--output", "name").split())


def uids() -> set[str]:
    """Of all pods of their Airflow."""
    found = json.loads(run(*_THEIRS, "get", "pods", "--output", "json"))["items"]
    return {pod["metadata"]["uid"] for pod in found}


def _list(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": items}
