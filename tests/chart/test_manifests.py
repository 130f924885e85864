"""Every scenario renders to objects that the Kubernetes API accepts whole."""

import re
from pathlib import Path

import pytest
from tests.support.chart.manifests import (
    CHART,
    EVALUATION,
    EXISTING,
    IDS,
    NAMESPACE,
    PRODUCTION,
    SCENARIOS,
    render,
    render_as,
    run_helm,
)
from tests.support.chart.strict import problems

LABEL_VALUE = re.compile(r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$")
OBJECT_NAME = re.compile(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=IDS)
def test_lint(scenario: Path) -> None:
    result = run_helm("lint", "--strict", CHART, "--values", scenario)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("scenario", SCENARIOS, ids=IDS)
def test_the_api_knows_every_field(scenario: Path) -> None:
    others = ("gateway.networking.k8s.io/", "monitoring.coreos.com/")
    known = [one for one in render(scenario).objects if not one["apiVersion"].startswith(others)]
    assert [problem for one in known for problem in problems(one)] == []


def test_the_strict_check_finds_what_it_is_for() -> None:
    container = {"name": "c", "image": "i", "imagePullpolicy": "Always", "ports": [{"containerPort": "80"}]}
    metadata = {"name": "p", "annotations": {"a": True}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [container], "volumes": None},
    }
    assert problems(pod) == [
        "Pod/p.metadata.annotations.a is True, not str",
        "Pod/p.spec.containers[0].imagePullpolicy is no field of V1Container",
        "Pod/p.spec.containers[0].ports[0].containerPort is '80', not int",
        "Pod/p.spec.volumes is null",
    ]
    assert problems({"apiVersion": "v1", "kind": "Pud", "metadata": {}}) == ["/v1 Pud is no kind of the Kubernetes API"]
    selector = {"matchLabels": {"a": "b"}}
    without_template = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {"selector": selector},
    }
    assert len(problems(without_template)) == 1


@pytest.mark.parametrize("scenario", SCENARIOS, ids=IDS)
def test_names_and_labels(scenario: Path) -> None:
    objects = render(scenario).objects
    keys = [(one["kind"], one["metadata"]["name"]) for one in objects]
    assert len(keys) == len(set(keys))
    for one in objects:
        metadata = one["metadata"]
        assert OBJECT_NAME.match(metadata["name"]), metadata["name"]
        assert metadata["namespace"] in ({NAMESPACE, "airflow"} if scenario == EXISTING else {NAMESPACE})
        assert metadata["labels"]["app.kubernetes.io/part-of"] == "podbt"
        assert all(LABEL_VALUE.match(value) for value in metadata["labels"].values())


def test_object_names_are_the_documented_ones() -> None:
    manifests = render(EVALUATION)
    assert set(manifests.of_kind("Deployment")) == {
        "podbt-api-server", "podbt-scheduler", "podbt-dag-processor", "podbt-triggerer",
    }  # fmt: skip
    assert set(manifests.of_kind("StatefulSet")) == {"podbt-postgres"}
    assert set(manifests.of_kind("CronJob")) == {"podbt-prune", "podbt-clean-logs"}
    assert set(manifests.of_kind("Pod")) == {"podbt-test"}
    assert set(manifests.of_kind("Service")) == {"podbt-api-server", "podbt-postgres"}
    assert set(manifests.of_kind("PersistentVolumeClaim")) == {"podbt-artifacts", "podbt-logs"}
    assert set(manifests.of_kind("ServiceAccount")) == {"podbt-airflow", "podbt-dbt", "podbt-plan"}
    assert set(manifests.of_kind("Secret")) == {
        "podbt-airflow", "podbt-admin", "podbt-metadata", "podbt-postgres", "podbt-warehouse", "podbt-profiles",
    }  # fmt: skip


def test_long_release_names_still_make_valid_names() -> None:
    # 53 characters is Helm's own limit.
    manifests = render_as("a" * 53, EVALUATION)
    assert all(OBJECT_NAME.match(one["metadata"]["name"]) for one in manifests.objects)
    # Pods of a StatefulSet get a label with its name, a hyphen and a hash of ten characters.
    assert all(len(name) <= 52 for name in manifests.of_kind("StatefulSet"))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=IDS)
def test_selectors_meet_their_own_pods_only(scenario: Path) -> None:
    manifests = render(scenario)
    pods = {pod.owner: pod.metadata["labels"] for pod in manifests.pods()}
    selectors = {}
    for kind in ("Deployment", "StatefulSet"):
        for name, one in manifests.of_kind(kind).items():
            selectors[f"{kind}/{name}"] = one["spec"]["selector"]["matchLabels"]
    for owner, selector in selectors.items():
        matching = [pod for pod, labels in pods.items() if selector.items() <= labels.items()]
        assert matching == [owner]
    for service in manifests.of_kind("Service").values():
        selector = service["spec"]["selector"]
        (owner,) = [pod for pod, labels in pods.items() if selector.items() <= labels.items()]
        (pod,) = (pod for pod in manifests.pods() if pod.owner == owner)
        ports = {port["name"] for port in pod.main["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


@pytest.mark.parametrize("scenario", SCENARIOS, ids=IDS)
def test_what_pods_mount_exists(scenario: Path) -> None:
    """Each reference leads to an object of the chart, or to one the values call existing."""
    manifests = render(scenario)
    values_text = scenario.read_text()
    for pod in manifests.pods():
        volumes = {volume["name"]: volume for volume in pod.spec["volumes"]}
        claimed = set(volumes) if "StatefulSet" not in pod.owner else {*volumes, "data"}
        for container in pod.containers:
            assert {mount["name"] for mount in container.get("volumeMounts", [])} <= claimed
        names = [("ConfigMap", volume["configMap"]["name"]) for volume in volumes.values() if "configMap" in volume]
        names += [
            ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
            for volume in volumes.values()
            if "persistentVolumeClaim" in volume
        ]
        names += [
            ("Secret", variable["valueFrom"]["secretKeyRef"]["name"])
            for container in pod.containers
            for variable in container.get("env", [])
            if "valueFrom" in variable
        ]
        for kind, name in names:
            assert name in manifests.of_kind(kind) or name in values_text, (kind, name)


def test_pods_follow_their_configuration() -> None:
    """A changed ConfigMap has to roll the pods that read it when they start; podbt's settings are read all the time."""
    before = render(EVALUATION)
    after = render(EVALUATION, airflow={"parallelism": 4}, dbt={"target": "demo"})
    for component in ("api-server", "scheduler", "dag-processor", "triggerer"):
        old, new = (m.pod(component).metadata["annotations"] for m in (before, after))
        assert old["podbt/checksum-airflow-config"] != new["podbt/checksum-airflow-config"]
        assert old["podbt/checksum-scripts"] == new["podbt/checksum-scripts"]
        assert "podbt/checksum-settings" not in old


def test_the_job_gets_a_new_name_with_new_content() -> None:
    def job(**values: object) -> str:
        (name,) = [one for one in render(EVALUATION, **values).of_kind("Job") if "-migrate-" in one]
        return name

    assert job() == job(dbt={"target": "demo"})
    assert job() != job(airflow={"image": {"tag": "0.2.0"}})
    assert job() != job(migrate={"waitSeconds": 60})


@pytest.mark.parametrize("component", ["api-server", "scheduler", "dag-processor", "triggerer"])
def test_pods_that_share_a_one_node_volume_meet_on_its_node(component: str) -> None:
    many_nodes = render(EVALUATION, logs={"accessModes": ["ReadWriteMany"]})
    assert "affinity" not in many_nodes.pod(component).spec
    pod = render(EVALUATION).pod(component)
    (term,) = pod.spec["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert term["labelSelector"]["matchLabels"].items() <= pod.metadata["labels"].items()
    # Kubernetes lets the first pod in only if the term selects that pod itself.
    assert component in term["labelSelector"]["matchExpressions"][0]["values"]


def test_values_reach_their_places() -> None:
    manifests = render(PRODUCTION)
    scheduler = manifests.pod("scheduler")
    assert manifests.get("Deployment", "podbt-scheduler")["spec"]["replicas"] == 2
    assert scheduler.spec["imagePullSecrets"] == [{"name": "registry"}]
    assert all(one["metadata"]["labels"]["team"] == "analytics" for one in manifests.objects)
    assert manifests.pod("api-server").metadata["labels"]["exposed"] == "true"
    assert "exposed" not in scheduler.metadata["labels"]
    assert manifests.get("ServiceAccount", "podbt-airflow")["metadata"]["annotations"] == {
        "example.com/identity": "airflow"
    }
    assert not any("dbt" in name.removeprefix("podbt") for name in manifests.of_kind("ServiceAccount"))
    (mount,) = (mount for mount in manifests.pod("prune").main["volumeMounts"] if mount["name"] == "artifacts")
    assert mount == {"name": "artifacts", "mountPath": "/artifacts", "subPath": "dental"}
    claim = manifests.get("PersistentVolumeClaim", "podbt-artifacts")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert claim["spec"]["storageClassName"] == "shared-files"
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert "annotations" not in manifests.get("PersistentVolumeClaim", "podbt-logs")["metadata"]


def test_node_port() -> None:
    service = render(EVALUATION).get("Service", "podbt-api-server")
    assert service["spec"]["type"] == "NodePort"
    assert service["spec"]["ports"] == [{"name": "http", "port": 8080, "targetPort": "http", "nodePort": 30080}]


def test_the_evaluation_database_is_off_by_default() -> None:
    assert "StatefulSet" not in {one["kind"] for one in render(PRODUCTION).objects}


def test_long_releases_with_one_beginning_keep_apart() -> None:
    one, other = ("analytics-platform-production-europe-west-" + end for end in ("one", "two"))
    names = [set(render_as(release, EVALUATION).of_kind("Deployment")) for release in (one, other)]
    assert not names[0] & names[1]
    assert all(OBJECT_NAME.match(name) for name in names[0] | names[1])


def test_words_that_yaml_reads_as_something_else_stay_names() -> None:
    """A release may be called true or null; its labels are texts all the same."""
    for release in ("true", "null", "yes"):
        for one in render_as(release, EVALUATION).objects:
            assert one["metadata"]["labels"]["app.kubernetes.io/instance"] == release


def test_an_own_affinity_joins_that_of_the_volume() -> None:
    zone = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [zone]}}
    affinity = render(EVALUATION, scheduler={"affinity": {"nodeAffinity": required}}).pod("scheduler").spec["affinity"]
    assert affinity["nodeAffinity"] == required
    assert len(affinity["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]) == 1
