"""What pods may do: restricted Pod Security, pinned images, few rights, bounded resources, probes."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.chart.manifests import EVALUATION, IDS, NAMESPACE, SCENARIOS, WAREHOUSE, Manifests, Pod, render
from tests.support.chart.pod_security import violations

AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer")
PINNED = re.compile(r"^[^\s:@]+(:[0-9]+/[^\s:@]+)?(:(?!latest$)[A-Za-z0-9_][A-Za-z0-9._-]*|@sha256:[0-9a-f]{64})$")
CPU = re.compile(r"^(\d+)(m?)$")


@pytest.fixture(params=SCENARIOS, ids=IDS)
def manifests(request: pytest.FixtureRequest) -> Manifests:
    return render(request.param)


def containers(manifests: Manifests) -> Iterator[tuple[Pod, dict[str, Any]]]:
    """All but those that dbt.podPatch adds to dbt pods, and so to that of `helm test`."""
    for pod in manifests.pods():
        for container in pod.spec["containers"] if pod.owner.startswith("Pod/") else pod.containers:
            yield pod, container


def test_every_pod_is_restricted(manifests: Manifests) -> None:
    assert {pod.owner: violations(pod.spec) for pod in manifests.pods() if violations(pod.spec)} == {}


def test_the_check_knows_what_is_not_restricted() -> None:
    open_pod = {
        "hostNetwork": True,
        "volumes": [{"name": "host", "hostPath": {"path": "/"}}],
        "containers": [{"name": "c", "securityContext": {"privileged": True, "runAsUser": 0}}],
    }
    assert violations(open_pod) == [
        "hostNetwork is set",
        "volume host is a hostPath",
        "c is privileged",
        "c allows privilege escalation",
        "c keeps capabilities",
        "c may run as root",
        "c runs as root",
        "c has seccomp profile None",
    ]


def test_ids_are_numbers_and_the_root_is_read_only(manifests: Manifests) -> None:
    for pod, container in containers(manifests):
        context = pod.spec["securityContext"]
        user = 999 if pod.owner.startswith("StatefulSet") else 65532
        # Of the cluster's choice where the values leave it that.
        assert {context.get(key) for key in ("runAsUser", "runAsGroup", "fsGroup")} in ({user}, {None})
        assert context["fsGroupChangePolicy"] == "OnRootMismatch"
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_only_what_talks_to_kubernetes_holds_a_token(manifests: Manifests) -> None:
    """The two components that run pods, and the Job that tells a plan."""
    tokens = {pod.owner: pod.spec["automountServiceAccountToken"] for pod in manifests.pods()}
    assert {owner for owner, token in tokens.items() if token} == {
        name for name in tokens if name.endswith(("-scheduler", "-triggerer")) or "-plan-" in name
    }
    assert all(not one["automountServiceAccountToken"] for one in manifests.of_kind("ServiceAccount").values())
    assert all(pod.spec["enableServiceLinks"] is False for pod in manifests.pods())


def test_rights_are_the_least_that_run_a_pod() -> None:
    manifests = render(EVALUATION)
    rights = {
        (group, resource, verb)
        for rule in manifests.get("Role", "podbt-pod-launcher")["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    pods = {("", "pods", verb) for verb in ("create", "get", "list", "watch", "patch", "delete")}
    events = {("", "events", verb) for verb in ("get", "list", "watch")}
    assert rights == pods | events | {("", "pods/log", "get")}
    binding = manifests.get("RoleBinding", "podbt-pod-launcher")
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": "podbt-pod-launcher",
    }
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "podbt-airflow", "namespace": NAMESPACE}]


def test_nothing_reaches_beyond_the_namespace(manifests: Manifests) -> None:
    assert not [one for one in manifests.objects if one["kind"].startswith("Cluster")]


def test_rights_can_come_from_elsewhere() -> None:
    kinds = {one["kind"] for one in render(WAREHOUSE).objects}
    assert not kinds & {"Role", "RoleBinding"}


def test_every_image_is_pinned(manifests: Manifests) -> None:
    for pod, container in containers(manifests):
        assert PINNED.match(container["image"]), (pod.owner, container["image"])


def test_a_digest_wins_over_a_tag() -> None:
    digest = "sha256:" + "a" * 64
    image = {"repository": "r.example.com:5000/a/b", "tag": "1", "digest": digest}
    container = render(EVALUATION, airflow={"image": image}).pod("scheduler").main
    assert container["image"] == f"r.example.com:5000/a/b@{digest}"


def test_every_container_asks_for_what_it_needs(manifests: Manifests) -> None:
    for pod, container in containers(manifests):
        resources = container["resources"]
        assert set(resources["requests"]) == {"cpu", "memory"}, pod.owner
        assert "memory" in resources["limits"], pod.owner
        assert "cpu" not in resources["limits"], "a CPU limit slows starts down and protects nobody"


def test_all_components_fit_a_small_node() -> None:
    """Two cores, of which Kubernetes itself takes nearly one; dbt pods need the rest."""
    staying, passing = 0, 0
    for pod in render(EVALUATION).pods():
        asked = [CPU.match(str(one["resources"]["requests"]["cpu"])) for one in pod.containers]
        most = max(int(match[1]) * (1 if match[2] else 1000) for match in asked if match)
        if pod.owner.startswith(("Deployment/", "StatefulSet/")):
            staying += most
        elif not pod.owner.startswith("Pod/"):  # as a dbt pod is, and when somebody asks for it
            passing = max(passing, most)
    assert 0 < staying <= 500
    assert 0 < passing <= 50


def test_long_running_containers_have_probes(manifests: Manifests) -> None:
    for pod in manifests.pods():
        if pod.owner.startswith(("Job", "CronJob", "Pod")):
            continue
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert probe in pod.main, (pod.owner, probe)


def test_http_probes_ask_ports_that_exist(manifests: Manifests) -> None:
    asked = 0
    for pod, container in containers(manifests):
        ports = {port["name"] for port in container.get("ports", [])}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            handler = container.get(probe, {}).get("httpGet") or container.get(probe, {}).get("tcpSocket")
            if handler:
                asked += 1
                assert handler["port"] in ports, (pod.owner, probe)
    assert asked or not manifests.of_kind("Deployment")


def test_liveness_survives_a_database_that_is_away() -> None:
    """Restarting Airflow does not bring its database back."""
    manifests = render(EVALUATION)
    assert manifests.pod("api-server").main["livenessProbe"]["httpGet"]["path"] == "/api/v2/version"
    for component in ("scheduler", "triggerer", "dag-processor"):
        command = manifests.pod(component).main["livenessProbe"]["exec"]["command"]
        assert "--tolerate-database-failure" in command


def test_secrets_and_settings_are_mounted_where_they_are_needed() -> None:
    manifests = render(EVALUATION)
    for component in AIRFLOW:
        mounts = {mount["mountPath"]: mount for mount in manifests.pod(component).main["volumeMounts"]}
        assert mounts["/etc/podbt"]["readOnly"]
        assert mounts["/opt/airflow/logs"] == {"name": "logs", "mountPath": "/opt/airflow/logs"}
        # The run pages read the records; nothing of Airflow writes them.
        page = {"name": "artifacts", "mountPath": "/artifacts", "readOnly": True}
        assert mounts.get("/artifacts") == (page if component == "api-server" else None)
    # The warehouse's password is dbt's business: no Airflow pod mounts or reads it.
    for pod in manifests.pods():
        if not pod.owner.startswith(("StatefulSet", "Pod")):
            assert "podbt-warehouse" not in str(pod.spec)
            assert "podbt-profiles" not in str(pod.spec)
