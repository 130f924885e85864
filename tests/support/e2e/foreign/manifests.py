"""What Airflow's official chart makes, as far as podbt can tell: accounts, user ids, DAGs from outside the image."""

import secrets
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import yaml
from tests.support.e2e import kube
from tests.support.e2e.shell import ROOT

AIRFLOW, DBT = "their-airflow", "their-dbt"
NODE_PORT = 30081  # which the local cluster forwards (docs/local-cluster.md)
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
_DAGS = Path(__file__).parent / "dags"
_OVERLAY = ROOT / "helm/overlays/official-airflow.yaml"
_DATABASE = "airflow-postgresql"


def objects(*, image: str, postgres: str) -> list[dict[str, Any]]:
    """All objects of the Airflow that is there before podbt is.

    Args:
        image: The Airflow image.
        postgres: The image of its database.
    """
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    found = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": AIRFLOW}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": DBT, "labels": restricted}},
        _object("ConfigMap", "dags", data={file.name: file.read_text() for file in _DAGS.glob("*.py")}),
        *_database(postgres, password := secrets.token_hex(16)),
        _service("airflow-api-server", "api-server", 8080, NODE_PORT),
        _way_to_the_warehouse(),
    ]
    found.append(_object("Secret", "airflow-environment", stringData=_environment(password)))
    for component in COMPONENTS:
        found += [_object("ServiceAccount", f"airflow-{component}"), _component(component, image)]
    return found


def _object(kind: str, name: str, *, api: str = "v1", **fields: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": AIRFLOW}, **fields}


def _service(name: str, component: str, port: int, node_port: int = 0) -> dict[str, Any]:
    outside = {"type": "NodePort", "ports": [{"port": port, "nodePort": node_port}]}
    ports = outside if node_port else {"ports": [{"port": port}]}
    return _object("Service", name, spec={"selector": {"component": component}, **ports})


def _database(image: str, password: str) -> list[dict[str, Any]]:
    login = {"POSTGRES_USER": "airflow", "POSTGRES_DB": "airflow", "POSTGRES_PASSWORD": password}
    container = {
        "name": "postgresql",
        "image": image,
        "imagePullPolicy": "Never",
        "envFrom": [{"secretRef": {"name": _DATABASE}}],
        "env": [{"name": "PGDATA", "value": "/var/lib/postgresql/data/pgdata"}],  # the volume itself is root's
        "volumeMounts": [{"name": "data", "mountPath": "/var/lib/postgresql/data"}],
    }
    pod = {
        "securityContext": {"runAsUser": 999, "runAsGroup": 999, "fsGroup": 999},
        "containers": [container],
        "volumes": [{"name": "data", "emptyDir": {}}],
    }
    return [
        _object("Secret", _DATABASE, stringData=login),
        _deployment(_DATABASE, "postgresql", pod),
        _service(_DATABASE, "postgresql", 5432),
    ]


def _way_to_the_warehouse() -> dict[str, Any]:
    """Their warehouse is the local cluster's, whose release lets its own pods alone to it."""
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": DBT}}}
    chosen = {"app.kubernetes.io/instance": "podbt", "app.kubernetes.io/component": "postgres"}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "their-dbt", "namespace": kube.NAMESPACE},
        "spec": {
            "podSelector": {"matchLabels": chosen},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [peer], "ports": [{"protocol": "TCP", "port": 5432}]}],
        },
    }


def _environment(password: str) -> dict[str, str]:
    settings = {
        "API__SECRET_KEY": secrets.token_hex(16),
        "API__WORKERS": "1",
        "API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__DAGS_FOLDER": "/opt/airflow/dags",
        "CORE__EXECUTION_API_SERVER_URL": "http://airflow-api-server:8080/execution/",
        "CORE__FERNET_KEY": urlsafe_b64encode(secrets.token_bytes()).decode(),
        "CORE__HOSTNAME_CALLABLE": "airflow.utils.net.get_host_ip_address",  # where other pods read a task's log
        "CORE__PARALLELISM": "2",
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://airflow:{password}@{_DATABASE}/airflow",
    }
    return {f"AIRFLOW__{name}": value for name, value in settings.items()}


def _component(component: str, image: str) -> dict[str, Any]:
    """A Deployment as the chart's, with the overlay's volume. The DAGs come as a synced folder does: from outside."""
    overlay = yaml.safe_load(_OVERLAY.read_text())
    common = {"image": image, "imagePullPolicy": "Never", "envFrom": [{"secretRef": {"name": "airflow-environment"}}]}
    # One by one: Airflow takes the links of a ConfigMap's folder for a loop, and its dag-processor ends.
    dags = [
        {"name": "dags", "mountPath": f"/opt/airflow/dags/{file.name}", "subPath": file.name, "readOnly": True}
        for file in _DAGS.glob("*.py")
    ]
    wait = ["bash", "-c", "until airflow db check; do sleep 2; done; exec airflow db migrate"]
    mounts = [*dags, *overlay["volumeMounts"]]
    waiting = [{"name": "migrate", "command": wait, **common}] if component == "api-server" else []
    if component != "api-server":
        wait = ["bash", "-c", "until airflow db check-migrations -t 300; do sleep 2; done"]
        waiting = [{"name": "wait", "command": wait, **common}]
    pod = {
        "serviceAccountName": f"airflow-{component}",
        "securityContext": {"runAsUser": 50000, "runAsGroup": 0, "fsGroup": 0},
        "initContainers": waiting,
        "containers": [{"name": component, "command": ["airflow", component], "volumeMounts": mounts, **common}],
        "volumes": [{"name": "dags", "configMap": {"name": "dags"}}, *overlay["volumes"]],
    }
    return _deployment(f"airflow-{component}", component, pod)


def _deployment(name: str, component: str, pod: dict[str, Any]) -> dict[str, Any]:
    labels = {"component": component}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return _object("Deployment", name, api="apps/v1", spec={"selector": {"matchLabels": labels}, "template": template})
