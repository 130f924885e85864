import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from localcluster import release
from localcluster.release import Release
from localcluster.session import Session
from localcluster.shell import LocalError, Shell
from tests.support.programs import Programs


@pytest.fixture
def wanted(session: Session, tmp_path: Path) -> Release:
    root = tmp_path / "checkout"
    shutil.copytree(session.places.root / "helm" / "podbt", root / "helm" / "podbt")
    (root / "k8s").mkdir()
    for path in (session.places.root / "k8s").glob("values-*.yaml"):
        shutil.copy(path, root / "k8s")
    places = replace(session.places, root=root)
    return Release.of(
        places, airflow="podbt-airflow:1-a", dbt="podbt-dbt-x:1-b", postgres="podbt-postgres:15-c", shared=False
    )


def test_digest_follows_chart_values_and_images(wanted: Release) -> None:
    before = wanted.digest()
    assert wanted.digest() == before
    assert replace(wanted, dbt="podbt-dbt-x:1-other").digest() != before
    assert replace(wanted, values=()).digest() != before
    (wanted.chart / "templates" / "more.yaml").write_text("")
    changed = wanted.digest()
    assert changed != before
    with wanted.values[0].open("a") as file:
        file.write("# more\n")
    assert wanted.digest() not in {before, changed}


def test_images_are_named_by_repository_and_tag(wanted: Release) -> None:
    assert wanted.settings()[:2] == ["--set-string", "airflow.image.repository=podbt-airflow,airflow.image.tag=1-a"]
    assert not [word for word in replace(wanted, postgres="").settings() if "evaluationPostgres" in word]


def test_shared_volumes_take_their_values_too(session: Session) -> None:
    shared = Release.of(session.places, airflow="a:1", dbt="b:1", postgres="", shared=True)
    assert [path.name for path in shared.values] == ["values-local.yaml", "values-shared.yaml"]


@pytest.mark.parametrize(("answer", "expected"), [('[{"name":"podbt"}]', True), ("[]", False), ("", False)])
def test_installed_release_is_found_by_its_inputs(
    shell: Shell, programs: Programs, answer: str, *, expected: bool
) -> None:
    programs.add("helm", f"echo '{answer}'")
    assert release.is_installed(shell, "abc") is expected
    assert programs.calls == ["helm list -n podbt --deployed --selector podbt-inputs=abc -o json"]


def test_install(shell: Shell, programs: Programs, wanted: Release, tmp_path: Path) -> None:
    programs.add("helm", "exit 0")
    programs.add("kubectl", "exit 0")
    release.install(shell, wanted, "abc", tmp_path / "namespace.yaml")
    namespace, forget, helm, annotate, *looks = programs.calls
    assert "annotate pods" in annotate
    assert len(looks) == 6  # three components, settings and plan
    assert all("-- grep -qF podbt-dbt-x:1-b /etc/podbt" in look for look in looks)
    assert namespace == f"kubectl apply -f {tmp_path}/namespace.yaml"
    assert forget.endswith("-l owner=helm,name=podbt,status in (pending-install,pending-upgrade,pending-rollback)")
    for words in (
        "upgrade --install podbt",
        "--wait",
        "--labels=podbt-inputs=abc",
        "values-local.yaml",
        "dbt.image.tag=1-b",
    ):
        assert words in helm


def test_failed_install_names_the_pod_and_keeps_its_log(
    shell: Shell, programs: Programs, wanted: Release, tmp_path: Path
) -> None:
    waiting = {"name": "scheduler", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}}
    pods = {"items": [{"metadata": {"name": "podbt-scheduler-1"}, "status": {"containerStatuses": [waiting]}}]}
    programs.add("helm", "echo 'Error: context deadline exceeded' >&2; exit 1")
    programs.add(
        "kubectl", f"case \"$*\" in *'get pods'*) echo '{json.dumps(pods)}' ;; *logs*) echo 'no such table' ;; esac"
    )
    with pytest.raises(
        LocalError, match=r"^the chart: pod podbt-scheduler-1: scheduler CrashLoopBackOff back-off$"
    ) as caught:
        release.install(shell, wanted, "abc", tmp_path / "namespace.yaml")
    assert caught.value.log is not None
    assert "no such table" in caught.value.log.read_text()


def test_failed_install_without_pods_tells_helms_words(
    shell: Shell, programs: Programs, wanted: Release, tmp_path: Path
) -> None:
    programs.add("helm", "echo 'level=WARN' >&2; echo 'Error: values do not meet the schema' >&2; exit 1")
    programs.add("kubectl", "echo '{\"items\": []}'")
    with pytest.raises(LocalError, match="values do not meet the schema"):
        release.install(shell, wanted, "abc", tmp_path / "namespace.yaml")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"phase": "Succeeded"}, ""),
        ({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}, ""),
        (
            {
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
                ]
            },
            "Unschedulable 0/1 nodes",
        ),
        (
            {"containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "ErrImageNeverPull"}}}]},
            "a ErrImageNeverPull",
        ),
        ({"containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "ContainerCreating"}}}]}, ""),
        (
            {"initContainerStatuses": [{"name": "i", "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}]},
            "i ended with code 3 (Error)",
        ),
        (
            {
                "containerStatuses": [
                    {
                        "name": "a",
                        "state": {"running": {}},
                        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
                    }
                ]
            },
            "a ended with code 137 (OOMKilled)",
        ),
    ],
    ids=["succeeded", "ready", "unschedulable", "image", "creating", "init", "oom"],
)
def test_why_a_pod_is_unready(status: dict[str, Any], words: str) -> None:
    assert release.unready({"status": status}) == words
