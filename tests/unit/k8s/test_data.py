import datetime as dt
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from localcluster import data
from localcluster.session import Session
from localcluster.shell import LocalError, Shell
from tests.support.programs import Programs

# `kubectl get job` tells the condition that is in a file; `kubectl apply` puts there what comes of the Job.
KUBECTL = """
case "$*" in
  *'get pvc'*) echo '{{"items": [{{"metadata": {{"name": "data-podbt-postgres-0", "uid": "{uid}"}}}}]}}' ;;
  *'get job'*) [ ! -e {folder}/job ] ||
    echo '{{"status": {{"conditions": [{{"type": "'$(cat {folder}/job)'", "status": "True"}}]}}}}' ;;
  apply*) cat >{folder}/applied; echo {outcome} >{folder}/job ;;
  *'delete job'*) rm -f {folder}/job ;;
  *logs*) echo 'connection refused' ;;
esac
"""


def kubectl(programs: Programs, *, uid: str = "1", outcome: str = "Complete") -> None:
    programs.add("kubectl", KUBECTL.format(folder=programs.folder, uid=uid, outcome=outcome))


def test_loaded_once(session: Session, shell: Shell, programs: Programs) -> None:
    kubectl(programs)
    assert data.load(session.places, shell, image="dbt:1", data_version="v1")
    assert not data.load(session.places, shell, image="dbt:2", data_version="v1")
    assert len([call for call in programs.calls if "apply" in call]) == 1


def test_failed_job_is_told_and_tried_anew(session: Session, shell: Shell, programs: Programs) -> None:
    kubectl(programs, outcome="Failed")
    with pytest.raises(LocalError, match="podbt-demo-data-v1 failed") as caught:
        data.load(session.places, shell, image="dbt:1", data_version="v1")
    assert caught.value.log is not None
    assert "connection refused" in caught.value.log.read_text()
    kubectl(programs)
    assert data.load(session.places, shell, image="dbt:1", data_version="v1")


def test_version_follows_the_generator_and_the_volume(
    session: Session, shell: Shell, programs: Programs, tmp_path: Path
) -> None:
    root = tmp_path / "checkout"
    for name in ("dbt_dental_models/demo_data", "k8s"):
        shutil.copytree(
            session.places.root / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "from-packages")
        )
    places = replace(session.places, root=root)
    kubectl(programs)
    first = data.version(places, shell)
    assert data.version(places, shell) == first
    kubectl(programs, uid="2")
    assert data.version(places, shell) != first
    kubectl(programs)
    with (root / "dbt_dental_models" / "demo_data" / "cli.py").open("a") as file:
        file.write("# more\n")
    assert data.version(places, shell) != first


def test_manifest(session: Session) -> None:
    places = session.places
    job, policy = yaml.safe_load_all(data.manifest(places, name="podbt-demo-data-v1", image="dbt:1"))
    (rule,) = policy["spec"]["ingress"]
    (source,) = rule["from"]
    assert source["podSelector"]["matchLabels"].items() <= job["spec"]["template"]["metadata"]["labels"].items()
    [container] = job["spec"]["template"]["spec"]["containers"]
    assert job["metadata"]["name"] == "podbt-demo-data-v1"
    assert container["image"] == "dbt:1"
    assert container["command"][1:4] == ["/project/demo_data", "--patients", str(data.PATIENTS)]
    dt.date.fromisoformat(container["command"][5])
    assert {one["name"] for one in container["env"]} == {"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD"}
    assert all("value" not in one for one in container["env"])
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
