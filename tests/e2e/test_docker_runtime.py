"""DbtOperator on runtime docker: this process is the worker; the containers are real, and so is their PostgreSQL."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from tests.support.e2e import docker, kube
from tests.support.e2e.shell import DRIVER, ROOT, attempt, run, wait_until
from tests.support.stopping import told_to_stop

from podbt.airflow import DbtOperator
from podbt.contract.record import RunRecord

pytestmark = [pytest.mark.e2e, pytest.mark.long]

PROJECT = ROOT / "tests" / "support" / "projects" / "small"
RUN = "e2e__docker"
TASK = f"label=podbt.io/run-id={RUN}"
SLEEPS = "from pg_stat_activity where wait_event = 'PgSleep'"


@pytest.fixture(scope="module")
def server() -> Iterator[docker.Postgres]:
    image = kube.get("statefulset", "podbt-postgres")["spec"]["template"]["spec"]["containers"][0]["image"]
    with docker.postgres(image) as server:
        yield server


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    before = set(run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split())
    name = run(*DRIVER, "image", "--project", str(PROJECT)).strip().splitlines()[-1]
    yield name
    if name not in before:
        run("docker", "rmi", name)


class Store:
    """The named volume that is the artifact store, read through a container."""

    def __init__(self, volume: str, image: str) -> None:
        self.volume, self._image = volume, image

    def python(self, program: str, *arguments: str, user: str = "65532") -> str:
        mount = ("--volume", f"{self.volume}:/artifacts", "--user", user)
        return run("docker", "run", "--rm", *mount, "--entrypoint", "python", self._image, "-c", program, *arguments)

    def record(self, path: str) -> RunRecord:
        text = self.python("import sys; print(open('/artifacts/' + sys.argv[1] + '/run.json').read())", path)
        return RunRecord.parse_json(text, source=path)


@pytest.fixture
def store(image: str) -> Iterator[Store]:
    made = Store(f"podbt-e2e-{os.urandom(4).hex()}", image)
    run("docker", "volume", "create", made.volume)
    try:
        made.python("import os; os.chown('/artifacts', 65532, 65532)", user="0")
        yield made
    finally:
        for left in run("docker", "ps", "--all", "--quiet", "--filter", TASK).split():
            attempt("docker", "rm", "--force", "--volumes", left)
        run("docker", "volume", "rm", made.volume)


@pytest.fixture
def here(
    server: docker.Postgres, image: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    profile = {
        "type": "postgres", "host": server.name, "port": 5432, "user": docker.USER, "dbname": docker.DATABASE,
        "password": "{{ env_var('WAREHOUSE_PASSWORD') }}", "schema": "small", "threads": 2,
    }  # fmt: skip
    profiles = tmp_path / "profiles.yml"
    profiles.write_text(yaml.safe_dump({"small": {"target": "dev", "outputs": {"dev": profile}}}))
    profiles.chmod(0o644)
    for folder in (tmp_path, *tmp_path.parents):  # pytest's are private, and the container's user has to get there
        if folder.stat().st_uid == os.getuid() and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o011)
    values = {
        "runtime": "docker",
        "target": "dev",
        "image": image,
        "image_pull_policy": "Never",
        "network": server.name,
        "profiles": {"file": str(profiles)},
        "artifacts": {"volume": store.volume},
        "env_names": ["WAREHOUSE_PASSWORD"],
        "termination_grace_seconds": 60,
    }
    monkeypatch.setenv("WAREHOUSE_PASSWORD", server.password)
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump(values))
    monkeypatch.setenv("PODBT_SETTINGS", str(file))
    return values


def context(try_number: int = 1, task_id: str = "t") -> dict[str, Any]:
    return {"ti": SimpleNamespace(dag_id="d", run_id=RUN, task_id=task_id, map_index=-1, try_number=try_number)}


def containers() -> list[str]:
    return run("docker", "ps", "--all", "--quiet", "--filter", TASK).split()


def inspected() -> dict[str, Any]:
    (one,) = containers()
    return dict(json.loads(run("docker", "inspect", one))[0])


def slow_runs(server: docker.Postgres) -> bool:
    return server.psql(f"select count(*) {SLEEPS}") == "1"


def test_a_good_step_leaves_the_record_that_a_pod_leaves(here: dict[str, Any], store: Store) -> None:
    returned = DbtOperator(task_id="t", select="good", exclude="tag:fails tag:warns").execute(context())
    assert returned["status"] == "success"
    record = store.record(returned["artifacts"])
    assert record.identity.run_id == RUN
    assert (record.target, record.image) == ("dev", here["image"])
    assert record.counts == {"total": 2, "pass": 1, "success": 1}
    assert containers() == []


def test_a_failing_model_is_named(here: dict[str, Any], store: Store) -> None:
    with pytest.raises(AirflowException, match=r"model\.small\.divides: .*division by zero") as raised:
        DbtOperator(task_id="t", select="good divides after", exclude="tag:fails tag:warns").execute(context())
    assert not isinstance(raised.value, AirflowFailException)
    assert containers() == []


def test_a_wrong_password_fails_at_once(
    here: dict[str, Any], monkeypatch: pytest.MonkeyPatch, wrong_password: str, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WAREHOUSE_PASSWORD", wrong_password)
    with pytest.raises(AirflowFailException, match="The database refused the login") as raised:
        DbtOperator(task_id="t", select="good").execute(context())
    assert wrong_password not in str(raised.value) + caplog.text


def test_a_stopped_worker_stops_the_container_and_never_succeeds(
    here: dict[str, Any], server: docker.Postgres, store: Store
) -> None:
    seen: list[dict[str, Any]] = []

    def at_work() -> bool:
        if not slow_runs(server):
            return False
        seen.append(inspected())
        return True

    tested = DbtOperator(task_id="t", command="run", select="slow")
    with told_to_stop(tested, at_work, 900), pytest.raises(AirflowException, match="told to stop"):
        tested.execute(context())
    assert not slow_runs(server)
    assert containers() == []
    assert store.record(f"runs/d/{RUN}/t/try-1").exit_reason == "interrupted"
    host = seen[0]["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["PidsLimit"]) == (True, ["ALL"], 512)
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert seen[0]["Config"]["User"] == "65532:65532"
    assert server.password not in json.dumps(seen[0]["Args"])


def test_too_long_a_run_is_lost(here: dict[str, Any], server: docker.Postgres) -> None:
    tested = DbtOperator(task_id="t", command="run", select="slow", settings={"run_timeout_seconds": 20})
    with pytest.raises(AirflowException, match="longer than run_timeout_seconds"):
        tested.execute(context())
    assert not slow_runs(server)
    assert containers() == []


def test_a_container_that_runs_out_of_memory_says_so(here: dict[str, Any]) -> None:
    little = {"resources": {"requests": {"memory": "16Mi"}, "limits": {"memory": "32Mi"}}}
    with pytest.raises(AirflowException, match=r"ran out of memory.*resources\.limits\.memory"):
        DbtOperator(task_id="t", select="good", settings=little).execute(context())
    assert containers() == []


def test_a_container_that_is_removed_is_lost(here: dict[str, Any], server: docker.Postgres) -> None:
    def remove() -> None:
        wait_until("dbt is at work", lambda: slow_runs(server), seconds=900)
        run("docker", "rm", "--force", *containers())

    removing = threading.Thread(target=remove)
    removing.start()
    with pytest.raises(AirflowException, match="removed while it ran"):
        DbtOperator(task_id="t", command="run", select="slow").execute(context())
    removing.join()
    server.psql(f"select pg_terminate_backend(pid) {SLEEPS}")


WORKER = f"""
from types import SimpleNamespace
from podbt.airflow import DbtOperator
ti = SimpleNamespace(dag_id="d", run_id="{RUN}", task_id="t", map_index=-1, try_number=1)
DbtOperator(task_id="t", command="run", select="slow").execute({{"ti": ti}})
"""


def test_the_next_try_ends_what_a_killed_worker_left(here: dict[str, Any], server: docker.Postgres) -> None:
    worker = subprocess.Popen([sys.executable, "-c", WORKER])
    try:
        wait_until("dbt is at work", lambda: slow_runs(server), seconds=900)
    finally:
        worker.kill()
        worker.wait()
    (left,) = containers()
    returned = DbtOperator(task_id="t", select="good", exclude="tag:fails tag:warns").execute(context(2))
    assert returned["artifacts"].endswith("/try-2")
    assert attempt("docker", "inspect", left).returncode != 0
    assert not slow_runs(server)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"image": "podbt-none:1"}, "'podbt-none:1' is not on the Docker host", id="no image"),
        pytest.param({"network": "podbt-none"}, "network podbt-none not found", id="no network"),
        pytest.param({"profiles": {"file": "/no/such/profiles.yml"}}, "/no/such/profiles.yml", id="no profiles"),
    ],
)
def test_what_is_missing_is_named(here: dict[str, Any], changes: dict[str, Any], said: str) -> None:
    with pytest.raises(AirflowFailException, match=re.escape(said)):
        DbtOperator(task_id="t", select="good", settings=changes).execute(context())
    assert containers() == []


def test_a_daemon_that_does_not_answer_may_be_retried(here: dict[str, Any]) -> None:
    nowhere = {"docker_url": "unix:///no/such/docker.sock"}
    with pytest.raises(AirflowException, match="does not answer") as raised:
        DbtOperator(task_id="t", select="good", settings=nowhere).execute(context())
    assert not isinstance(raised.value, AirflowFailException)
