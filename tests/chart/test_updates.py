"""How components change: one after the other while that is safe, all at once when an image may migrate the database."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.chart.kube_api import cluster
from tests.support.chart.manifests import CHART, EVALUATION, NAMESPACE, PRODUCTION, RELEASE, render, run_helm

ROLLING = ("scheduler", "dag-processor", "triggerer")
OLDER = {"airflow": {"image": {"tag": "0.0.9"}}}


def strategies(**values: Any) -> dict[str, Any]:
    deployments = render(EVALUATION, **values).of_kind("Deployment")
    return {name.removeprefix("podbt-"): one["spec"]["strategy"] for name, one in deployments.items()}


def upgraded(folder: Path, **running: Any) -> dict[str, Any]:
    """The strategies of an upgrade to the values of the evaluation, where a release with these values runs."""
    there = [copy.deepcopy(one) for one in render(EVALUATION, **running).of_kind("Deployment").values()]
    for one in there:
        one["metadata"]["annotations"] = {
            "meta.helm.sh/release-name": RELEASE,
            "meta.helm.sh/release-namespace": NAMESPACE,
        }
    with cluster(folder, *there) as kubeconfig:
        seen: list[str | Path] = ["--kubeconfig", kubeconfig, "--dry-run=server", "--disable-openapi-validation"]
        result = run_helm("template", RELEASE, CHART, "--namespace", NAMESPACE, "--values", EVALUATION, *seen)
    assert result.returncode == 0, result.stderr
    objects = [one for one in yaml.safe_load_all(result.stdout) if one and one["kind"] == "Deployment"]
    return {one["metadata"]["name"].removeprefix("podbt-"): one["spec"]["strategy"] for one in objects}


def test_while_the_image_stays_the_next_one_is_there_before_the_old_one_goes(tmp_path: Path) -> None:
    found = upgraded(tmp_path, airflow={"parallelism": 4})
    for component in (*ROLLING, "api-server"):
        assert found[component] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_another_image_finds_no_old_scheduler_at_work(tmp_path: Path) -> None:
    found = upgraded(tmp_path, **OLDER)
    assert [found[component] for component in ROLLING] == [{"type": "Recreate"}] * 3
    assert found["api-server"]["type"] == "RollingUpdate"


def test_where_nobody_sees_the_cluster_the_safe_way_is_taken() -> None:
    assert [strategies()[component] for component in ROLLING] == [{"type": "Recreate"}] * 3


@pytest.mark.parametrize("way", ["RollingUpdate", "Recreate"])
def test_the_values_may_decide(way: str) -> None:
    found = strategies(airflow={"updateStrategy": way})
    assert {found[component]["type"] for component in ROLLING} == {way}


def test_of_several_one_goes_at_a_time_and_needs_no_room_for_one_more() -> None:
    deployments = render(PRODUCTION, airflow={"updateStrategy": "RollingUpdate"}).of_kind("Deployment")
    for component in ("scheduler", "triggerer"):
        rolling = deployments[f"podbt-{component}"]["spec"]["strategy"]["rollingUpdate"]
        assert rolling == {"maxSurge": 0, "maxUnavailable": 1}
    assert deployments["podbt-dag-processor"]["spec"]["strategy"]["rollingUpdate"]["maxSurge"] == 1


def test_an_api_server_answers_until_nobody_asks_it_any_more() -> None:
    main = render(EVALUATION).pod("api-server").main
    assert "sleep(5)" in main["lifecycle"]["preStop"]["exec"]["command"][-1]
    short = render(EVALUATION, apiServer={"terminationGracePeriodSeconds": 5}).pod("api-server").main
    assert "lifecycle" not in short
    assert "lifecycle" not in render(EVALUATION).pod("scheduler").main


@pytest.mark.parametrize("component", ROLLING)
def test_who_is_stopped_fails_liveness_within_four_minutes(component: str) -> None:
    """The last heartbeat grows too old, and as many probes as Kubernetes wants say so."""
    probe = render(EVALUATION).pod(component).main["livenessProbe"]
    (age,) = [word for word in probe["exec"]["command"] if word.startswith("--max-age=")]
    seconds = int(age.partition("=")[2]) + probe["periodSeconds"] * probe["failureThreshold"]
    assert seconds <= 240
    # The scheduler's own health server is a process beside it, and stays up where the scheduler is stopped.
    assert "/etc/podbt-scripts/heartbeat.py" in probe["exec"]["command"]
    # Nor does who is stopped hear that it shall end.
    assert 1 <= probe["terminationGracePeriodSeconds"] <= 30
