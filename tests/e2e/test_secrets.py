"""No credential is where it could be read without the right to read Secrets."""

import pytest
from tests.support.e2e import kube
from tests.support.e2e.needles import ARTIFACTS, LOGS, Needles
from tests.support.e2e.rest import DAG
from tests.support.e2e.shell import attempt, run

from podbt.contract.settings.kubernetes import Settings

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("good_run")]


@pytest.fixture(scope="module")
def needles(wrong_password: str) -> Needles:
    return Needles.of_cluster({"the wrong password of a test": wrong_password})


@pytest.fixture(scope="module")
def images(settings: Settings) -> list[str]:
    found = [
        settings.image,
        *(
            kube.get(kind, name)["spec"]["template"]["spec"]["containers"][0]["image"]
            for kind, name in (("deployment", "podbt-scheduler"), ("statefulset", "podbt-postgres"))
        ),
    ]
    for image in found:
        if attempt("docker", "image", "inspect", image).returncode != 0:
            run("docker", "pull", image)  # the database's, where the nodes pulled it themselves
    return found


def test_the_search_finds_what_is_there(images: list[str]) -> None:
    """Without this, the tests below would pass for a search that looks nowhere."""
    request = f"/dags/{DAG}/dagRuns"
    known = Needles(
        {
            "task": "podbt: artifacts: runs/",
            "dbt": "Running with dbt=",
            "URL": request,
            "image": images[0],
            "file": "class DbtPodOperator(",
        }
    )
    places = known.in_volumes()
    assert any(place.startswith(f"task {LOGS}/dag_id=") for place in places)
    assert any(place.startswith(f"dbt {ARTIFACTS}/runs/") for place in places)
    in_cluster = known.in_cluster()
    assert "image in objects of the namespace" in in_cluster
    assert any(place.startswith("URL in log of podbt-api-server") for place in in_cluster)
    assert any(place.startswith("file in ") for place in known.in_images(images[1:2]))


def test_volumes_hold_no_secret(needles: Needles) -> None:
    assert needles.in_volumes() == []


def test_objects_and_logs_of_the_namespace_hold_no_secret(needles: Needles) -> None:
    assert needles.in_cluster() == []


def test_images_hold_no_secret(needles: Needles, images: list[str]) -> None:
    assert needles.in_images(images) == []
