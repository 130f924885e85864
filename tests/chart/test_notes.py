"""What Helm prints after an installation: the commands that fit this release, and no other."""

import json
from pathlib import Path
from typing import Any

from tests.support.chart.manifests import CHART, EVALUATION, EXISTING, NAMESPACE, PAUSED, RELEASE, run_helm


def notes(scenario: Path, **values: Any) -> str:
    words = ["--namespace", NAMESPACE, "--values", str(scenario), "--values", "-", "--dry-run=client"]
    result = run_helm("install", RELEASE, CHART, *words, stdin=json.dumps(values))
    assert result.returncode == 0, result.stderr
    return result.stdout.partition("NOTES:")[2]


def test_how_to_try_it() -> None:
    assert f"helm test {RELEASE} --namespace {NAMESPACE} --timeout 960s --logs" in notes(EVALUATION)
    told = notes(CHART / "ci" / "observed-values.yaml", dbt={"namespace": "dbt-pods"})
    assert "and build selector smoke_test on target demo:" in told
    # From another namespace than the release's the pod prints its words itself, and --logs would look for it in vain.
    assert "--logs" not in told
    assert "helm test" not in notes(PAUSED)


def test_beside_an_airflow_that_is_there() -> None:
    told = notes(EXISTING)
    assert "wait job" in told
    assert "podbt-plan" in told
    without = notes(EXISTING, dbt={"plan": {"fromImage": False}})
    assert "wait job" not in without
    assert "podbt-plan" not in without
    assert "podbt-settings" in without


def test_what_is_at_rest() -> None:
    assert "At rest: apiServer.replicas, scheduler.replicas, dagProcessor.replicas, triggerer.replicas are 0." in notes(
        PAUSED
    )


def test_rights_that_come_from_elsewhere_are_those_that_the_chart_would_give() -> None:
    assert "get, list, watch, delete)" in notes(EXISTING, rbac={"create": False})
    assert "get, list, watch, patch, delete)" in notes(EVALUATION, rbac={"create": False})
