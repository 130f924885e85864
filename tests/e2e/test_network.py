"""The release's NetworkPolicies on a network that enforces them: flows that work, and flows that are forbidden.

All other end-to-end tests run under them, too.
"""

import json
import secrets
from typing import Any

import pytest
from tests.support.e2e import kube
from tests.support.e2e.shell import run, wait_until

from podbt.contract.settings.kubernetes import Settings

pytestmark = pytest.mark.e2e

# Connects to each place and says which answered. A dropped packet is silence, so some patience has to end.
PROBE = """
import socket, sys
for place in sys.argv[1:]:
    host, port = place.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
        print(place, "open")
    except OSError as error:
        print(place, "closed", type(error).__name__)
"""
POSTGRES = f"podbt-postgres.{kube.NAMESPACE}.svc:5432"
AIRFLOW = f"podbt-api-server.{kube.NAMESPACE}.svc:8080"
KUBERNETES = "kubernetes.default.svc:443"


def pod(image: str, labels: dict[str, str], *places: str) -> dict[str, Any]:
    container = {
        "name": "probe",
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["python", "-c", PROBE, *places],
        "securityContext": {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        },
    }  # fmt: skip
    security = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"restartPolicy": "Never", "automountServiceAccountToken": False, "securityContext": security}
    metadata = {"name": f"podbt-e2e-probe-{secrets.token_hex(4)}", "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**spec, "containers": [container]}}


def reached(settings: Settings, labels: dict[str, str], *places: str, namespace: str = kube.NAMESPACE) -> set[str]:
    """Which of the places answer a pod with these labels."""
    made = pod(settings.image, labels, *places)
    name, kubectl = made["metadata"]["name"], ("kubectl", "--namespace", namespace)
    run(*kubectl, "create", "--filename", "-", stdin=json.dumps(made))
    try:
        phase = ("get", "pod", name, "--output", "jsonpath={.status.phase}")
        wait_until(f"pod {name} ended", lambda: run(*kubectl, *phase) in {"Succeeded", "Failed"}, seconds=600)
        said = dict(line.split(" ", 1) for line in run(*kubectl, "logs", name).splitlines())
    finally:
        run(*kubectl, "delete", "pod", name, "--grace-period=0", "--force")
    assert set(said) == set(places), said
    return {place for place, answer in said.items() if answer == "open"}


def component(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/instance": "podbt", "app.kubernetes.io/component": name}


def test_a_dbt_pod_reaches_its_warehouse_and_nothing_of_airflow_or_kubernetes(settings: Settings) -> None:
    assert reached(settings, component("run"), POSTGRES, AIRFLOW, KUBERNETES) == {POSTGRES}


def test_what_starts_pods_reaches_the_kubernetes_api(settings: Settings) -> None:
    assert reached(settings, component("triggerer"), POSTGRES, AIRFLOW, KUBERNETES) == {POSTGRES, AIRFLOW, KUBERNETES}


def test_airflows_page_and_parser_do_not_reach_the_kubernetes_api(settings: Settings) -> None:
    assert reached(settings, component("dag-processor"), POSTGRES, AIRFLOW, KUBERNETES) == {POSTGRES, AIRFLOW}


def test_a_pod_of_the_release_without_a_part_in_it_reaches_nothing(settings: Settings) -> None:
    assert reached(settings, component("none"), POSTGRES, AIRFLOW, KUBERNETES) == set()


@pytest.mark.parametrize("namespace", [kube.NAMESPACE, "default"])
def test_strangers_reach_airflows_page_alone(settings: Settings, namespace: str) -> None:
    pods = kube.items("pods", "app.kubernetes.io/component=triggerer")
    logs = f"{pods[0]['status']['podIP']}:8794"
    assert reached(settings, {"app": "stranger"}, POSTGRES, AIRFLOW, logs, namespace=namespace) == {AIRFLOW}
