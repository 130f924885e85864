"""DbtOperator on runtime local: real dbt, a real PostgreSQL, and this process as the worker."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from tests.support.postgres import PASSWORD, Server
from tests.support.stopping import told_to_stop
from tests.support.store_servers import S3_SECRET, StoreServer, gcs, s3
from tests.support.waiting import wait_for

from podbt.airflow import DbtOperator, DbtPodOperator
from podbt.store.location import Location
from podbt.store.runs import read_run
from podbt.store.volume import Volume

pytestmark = pytest.mark.postgres


def context(try_number: int = 1) -> dict[str, Any]:
    return {"ti": SimpleNamespace(dag_id="d", run_id="r", task_id="t", map_index=-1, try_number=try_number)}


def change(settings: dict[str, Any], **changes: Any) -> None:
    file = Path(os.environ["PODBT_SETTINGS"])
    file.write_text(yaml.safe_dump({**settings, **changes}))


def store(settings: dict[str, Any]) -> Path:
    return Path(settings["artifacts"]["folder"])


def everything(folder: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())


@pytest.mark.usefixtures("real_python")
def test_a_good_step_returns_its_summary_and_leaves_a_record(settings: dict[str, Any], postgres: Server) -> None:
    returned = DbtOperator(task_id="t", select="good", exclude="tag:fails tag:warns").execute(context())
    assert (returned["status"], returned["artifacts"]) == ("success", "runs/d/r/t/try-1")
    run = read_run(Volume(store(settings)), returned["artifacts"])
    assert run.record.identity.task_id == "t"
    assert (run.record.target, run.record.image) == ("dev", None)
    assert run.record.plan_hash == json.loads((Path(settings["baked"]) / "plan.json").read_text())["hash"]
    assert run.record.counts == {"total": 2, "pass": 1, "success": 1}
    assert postgres.query("select count(*) from small.good") == [(3,)]
    assert list(Path(settings["scratch"]["folder"]).iterdir()) == []


def test_a_failing_model_is_named_and_may_be_retried(settings: dict[str, Any]) -> None:
    with pytest.raises(AirflowException, match=r"model\.small\.divides: .*division by zero") as raised:
        DbtOperator(task_id="t", select="good divides after", exclude="tag:fails tag:warns").execute(context())
    assert not isinstance(raised.value, AirflowFailException)
    record = read_run(Volume(store(settings)), "runs/d/r/t/try-1").record
    assert record.exit_reason == "node_failure"
    assert record.counts == {"total": 4, "error": 1, "pass": 1, "skipped": 1, "success": 1}


def test_a_wrong_password_fails_at_once_and_is_nowhere(
    settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "wrong-password-5678"
    Path(settings["env_file"]).write_text(f"WAREHOUSE_PASSWORD={wrong}\n")
    with pytest.raises(AirflowFailException, match="The database refused the login: password auth") as raised:
        DbtOperator(task_id="t", select="good").execute(context())
    assert read_run(Volume(store(settings)), "runs/d/r/t/try-1").record.exit_reason == "config_error"
    assert wrong not in everything(store(settings)) + str(raised.value) + caplog.text


def test_an_empty_selection_fails_at_once_or_skips_where_it_is_allowed(settings: dict[str, Any]) -> None:
    with pytest.raises(AirflowFailException, match="matches no node"):
        DbtOperator(task_id="t", selector="nothing").execute(context())
    with pytest.raises(AirflowSkipException, match="nothing to do"):
        DbtOperator(task_id="t", selector="nothing", allow_empty=True).execute(context(2))
    assert read_run(Volume(store(settings)), "runs/d/r/t/try-2").record.exit_reason == "nothing_to_do"


@pytest.mark.usefixtures("real_python")
def test_a_stopped_worker_cancels_its_queries_and_never_succeeds(settings: dict[str, Any], postgres: Server) -> None:
    tested = DbtOperator(task_id="t", command="run", select="slow")
    with told_to_stop(tested, lambda: postgres.asleep() == 1), pytest.raises(AirflowException, match="told to stop"):
        tested.execute(context())
    assert postgres.asleep() == 0
    assert read_run(Volume(store(settings)), "runs/d/r/t/try-1").record.exit_reason == "interrupted"


@pytest.mark.usefixtures("real_python")
def test_too_long_a_run_cancels_its_queries_and_is_lost(settings: dict[str, Any], postgres: Server) -> None:
    tested = DbtOperator(task_id="t", command="run", select="slow", settings={"run_timeout_seconds": 25})
    with pytest.raises(AirflowException, match="longer than run_timeout_seconds"):
        tested.execute(context())
    assert postgres.asleep() == 0


def mend(settings: dict[str, Any], model: str, sql: str) -> None:
    (Path(settings["project"]) / "models" / f"{model}.sql").write_text(sql)


def built_in(settings: dict[str, Any], run: str) -> dict[str, int | None]:
    """The earlier try that built each node; None: this one."""
    return {node.name: node.from_try for node in read_run(Volume(store(settings)), run).nodes}


def test_a_retry_builds_only_what_a_failed_try_left(settings: dict[str, Any], postgres: Server) -> None:
    step: dict[str, Any] = {"task_id": "t", "select": "good divides after", "exclude": "tag:fails tag:warns"}
    with pytest.raises(AirflowException, match="division by zero"):
        DbtOperator(**step).execute(context())
    table = postgres.query("select 'small.good'::regclass::oid")
    mend(settings, "divides", "select 1 as x from {{ ref('good') }}")
    returned = DbtOperator(**step).execute(context(2))
    assert (returned["status"], returned["artifacts"]) == ("success", "runs/d/r/t/try-2")
    assert read_run(Volume(store(settings)), "runs/d/r/t/try-2").record.resumed_from == "runs/d/r/t/try-1"
    assert built_in(settings, "runs/d/r/t/try-2") == {"good": 1, "unique_good_id": 1, "divides": None, "after": None}
    assert postgres.query("select 'small.good'::regclass::oid") == table
    assert postgres.query("select count(*) from small.after") == [(3,)]


def test_without_resume_a_retry_builds_everything(settings: dict[str, Any], postgres: Server) -> None:
    step: dict[str, Any] = {"task_id": "t", "command": "run", "select": "good divides", "resume": False}
    with pytest.raises(AirflowException, match="division by zero"):
        DbtOperator(**step).execute(context())
    table = postgres.query("select 'small.good'::regclass::oid")
    mend(settings, "divides", "select 1 as x from {{ ref('good') }}")
    DbtOperator(**step).execute(context(2))
    assert built_in(settings, "runs/d/r/t/try-2") == {"good": None, "divides": None}
    assert postgres.query("select 'small.good'::regclass::oid") != table


@pytest.mark.usefixtures("real_python")
def test_a_retry_builds_only_what_a_killed_process_left(settings: dict[str, Any], postgres: Server) -> None:
    """As the kernel ends what takes too much memory: SIGKILL, and no word from the runner."""
    step: dict[str, Any] = {"task_id": "t", "command": "run", "select": "good slow"}

    def kill() -> None:
        wait_for(lambda: postgres.asleep() == 1)
        journal = store(settings) / "runs/d/r/t/try-1.partial/nodes.jsonl"
        wait_for(lambda: journal.is_file() and '"success"' in journal.read_text())
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if str(process.joinpath("cwd").readlink()) == settings["project"]:
                    os.kill(int(process.name), signal.SIGKILL)
            except OSError:
                continue

    killing = threading.Thread(target=kill)
    killing.start()
    with pytest.raises(AirflowException, match="SIGKILL") as raised:
        DbtOperator(**step).execute(context())
    killing.join()
    assert not isinstance(raised.value, AirflowFailException)
    assert list(Path(settings["scratch"]["folder"]).iterdir()) == []
    wait_for(lambda: postgres.asleep() == 0)  # the server itself notices that its client is gone
    table = postgres.query("select 'small.good'::regclass::oid")
    mend(settings, "slow", "select 1 as x")
    returned = DbtOperator(**step).execute(context(2))
    assert returned["status"] == "success"
    assert read_run(Volume(store(settings)), "runs/d/r/t/try-1").record.exit_reason == "lost"
    assert built_in(settings, "runs/d/r/t/try-2") == {"good": 1, "slow": None}
    assert postgres.query("select 'small.good'::regclass::oid") == table


@pytest.mark.parametrize("server", [s3, gcs])
def test_runs_are_recorded_and_resumed_in_a_bucket(
    settings: dict[str, Any],
    server: Callable[[Path], AbstractContextManager[StoreServer]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    step: dict[str, Any] = {"task_id": "t", "command": "run", "select": "good divides"}
    with server(tmp_path / "server") as bucket:
        secrets = Path(settings["env_file"])
        with secrets.open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in bucket.env.items())
        change(settings, artifacts={"url": f"{bucket.url}/team", "endpoint_url": bucket.endpoint})
        with pytest.raises(AirflowException, match="division by zero"):
            DbtOperator(**step).execute(context())
        mend(settings, "divides", "select 1 as x from {{ ref('good') }}")
        assert DbtOperator(**step).execute(context(2))["status"] == "success"
        for name, value in bucket.env.items():
            monkeypatch.setenv(name, value)
        root = Location.read(env=bucket.environment("team")).open()
        run = read_run(root, "runs/d/r/t/try-2")
        assert run.record.resumed_from == "runs/d/r/t/try-1"
        assert {node.name: node.from_try for node in run.nodes} == {"good": 1, "divides": None}
        held = b"".join(root.read(entry.path) for entry in root.walk())
    for needle in (PASSWORD, S3_SECRET):
        assert needle not in caplog.text
        assert needle.encode() not in held
    assert list(store(settings).iterdir()) == []  # nothing lies in the folder of the settings before


WORKER = """
import sys
from types import SimpleNamespace
from podbt.airflow import DbtOperator
ti = SimpleNamespace(dag_id="d", run_id="r", task_id="t", map_index=-1, try_number=1)
DbtOperator(task_id="t", command="run", select="slow").execute({"ti": ti})
"""


@pytest.mark.usefixtures("real_python")
def test_a_killed_worker_takes_dbt_with_it(settings: dict[str, Any], postgres: Server) -> None:
    """Nobody is left to stop it, and the retry would write the same tables."""
    worker = subprocess.Popen([sys.executable, "-c", WORKER])
    try:
        wait_for(lambda: postgres.asleep() == 1)
    finally:
        worker.kill()
        worker.wait()
    wait_for(lambda: postgres.asleep() == 0)
    run = store(settings) / "runs/d/r/t/try-1/run.json"
    wait_for(run.is_file)
    assert json.loads(run.read_text())["exit_reason"] == "interrupted"


@pytest.mark.usefixtures("real_python")
def test_no_secret_of_airflow_is_in_dbts_process(
    settings: dict[str, Any], postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "fernet-needle")
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", "postgres://u:needle@h/d")
    monkeypatch.setenv("SOME_TOKEN", "token-needle")
    monkeypatch.setenv("PGPASSWORD", "libpq-needle")
    monkeypatch.setenv("PGPASSFILE", "/needle/.pgpass")
    seen: list[str] = []

    def look() -> bool:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_text()
                if str(settings["project"]) == str((process / "cwd").readlink()) and "podbt" in command:
                    seen.append((process / "environ").read_text())
                    assert PASSWORD not in command
            except OSError:
                continue
        return postgres.asleep() == 1

    tested = DbtOperator(task_id="t", command="run", select="slow")
    with told_to_stop(tested, look), pytest.raises(AirflowException, match="told to stop"):
        tested.execute(context())
    assert any(PASSWORD in environ for environ in seen)  # it is the right process
    assert not any("needle" in environ or "AIRFLOW" in environ for environ in seen)


def test_a_password_that_is_passed_by_name_is_masked(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PGPASSWORD", "libpq-needle")
    change(settings, env_names=["WAREHOUSE_PORT", "PGPASSWORD"])
    mend(
        settings,
        "good",
        "{{ log('it is ' ~ env_var('PGPASSWORD'), info=True) }} select '{{ env_var('PGPASSWORD') }}' x",
    )
    caplog.set_level(logging.INFO)
    returned = DbtOperator(task_id="t", command="run", select="good").execute(context())
    assert "it is *****" in caplog.text + everything(store(settings))  # dbt did have it
    assert "needle" not in caplog.text + everything(store(settings)) + json.dumps(returned)


def test_changes_for_pods_are_passed_over(settings: dict[str, Any]) -> None:
    changes = {"resources": {"limits": {"memory": "4Gi"}}}
    step = DbtOperator(task_id="t", select="good", exclude="tag:fails", settings=changes)
    assert step.execute(context())["status"] == "success"


def test_the_pod_operator_says_that_this_is_no_cluster(settings: dict[str, Any]) -> None:
    with pytest.raises(AirflowFailException, match=r"the settings say runtime: local\. Use DbtOperator"):
        DbtPodOperator(task_id="t", select="good").execute(context())


def test_settings_that_cannot_work_fail_at_once(settings: dict[str, Any]) -> None:
    change(settings, python="/no/such/python")
    with pytest.raises(AirflowFailException, match="'/no/such/python': No such file"):
        DbtOperator(task_id="t", select="good").execute(context())
