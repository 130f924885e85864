"""`make up` where everything is up: nothing is made anew."""

import json
from typing import Any

import pytest
from tests.support.e2e import kube
from tests.support.e2e.rest import Airflow
from tests.support.e2e.shell import DRIVER, attempt, run

from podbt.pod.build import MANAGED_BY

pytestmark = pytest.mark.e2e


def what_is_there(airflow: Airflow) -> dict[str, Any]:
    releases = json.loads(run("helm", "list", "--namespace", kube.NAMESPACE, "--output", "json"))
    # Pods of dbt come and go by themselves; none is started here, as the runs show.
    pods = kube.items("pods", f"app.kubernetes.io/managed-by!={MANAGED_BY}")
    images = run("docker", "images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}")
    return {
        "revisions": {one["name"]: one["revision"] for one in releases},
        "pods": {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in pods},
        "images": sorted(images.splitlines()),
        "runs": sorted(one["dag_run_id"] for one in airflow.runs()),
    }


def test_up_again_changes_nothing(airflow: Airflow) -> None:
    before = what_is_there(airflow)
    again = attempt(*DRIVER, "up")
    assert again.returncode == 0, again.stdout + again.stderr
    assert what_is_there(airflow) == before
    assert before["revisions"]
    assert "dental_nightly succeeded" in again.stdout
