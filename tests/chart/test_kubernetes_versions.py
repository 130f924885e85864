"""Every scenario, and the pod of its settings, against what each supported Kubernetes says of its own API."""

import copy
from pathlib import Path

import pytest
import yaml
from kubernetes.client import ApiClient
from tests.support.chart.kubernetes_schemas import problems, versions
from tests.support.chart.manifests import CHART, EVALUATION, IDS, SCENARIOS, render
from tests.support.settings import read_settings

from podbt.contract.record import RunIdentity
from podbt.contract.settings.kubernetes import Settings
from podbt.contract.step import Step
from podbt.pod.build import build_pod

OTHERS = ("gateway.networking.k8s.io/", "monitoring.coreos.com/")


def test_all_supported_versions_are_there() -> None:
    oldest = yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"]
    assert oldest == ">=1.29.0-0"
    assert versions() == [f"v1.{minor}" for minor in range(29, 38)]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=IDS)
def test_every_version_takes_every_object(scenario: Path) -> None:
    manifests = render(scenario)
    read = read_settings(manifests.settings_text())
    assert isinstance(read, Settings)
    identity = RunIdentity(dag_id="d", task_id="t", run_id="r")
    pod = ApiClient().sanitize_for_serialization(build_pod(read, Step.of(select="a"), identity))
    objects = [one for one in manifests.objects if not one["apiVersion"].startswith(OTHERS)]
    assert [said for version in versions() for one in (*objects, pod) for said in problems(version, one)] == []


def test_the_check_finds_what_a_version_does_not_know() -> None:
    deployment = copy.deepcopy(render(EVALUATION).get("Deployment", "podbt-scheduler"))
    spec = deployment["spec"]["template"]["spec"]
    spec["containers"][0]["imagePullpolicy"] = "Always"
    spec["hostnameOverride"] = "x"  # a field of 1.34 and later
    assert len(problems("v1.29", deployment)) == 2
    assert len(problems("v1.37", deployment)) == 1
    del deployment["spec"]["selector"]
    deployment["spec"]["replicas"] = "2"
    assert len(problems("v1.37", deployment)) == 3
