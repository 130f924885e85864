"""Runtime local against programs that behave in every way but well; what it gives them, and how it ends them."""

import logging
import re
import stat
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.support.plans import plan
from tests.support.settings import LOCAL

from podbt.airflow.runtimes import run_of
from podbt.airflow.runtimes.local import ProcessRun, process_arguments, process_environment
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.record import RunIdentity, Summary
from podbt.contract.settings.local import LocalSettings
from podbt.contract.step import Step
from podbt.errors import ConfigError

IDENTITY = RunIdentity(dag_id="d", run_id="r", task_id="t", try_number=3)
SECRETS = {
    "AIRFLOW__CORE__FERNET_KEY": "fernet",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://u:p@h/d",
    "AIRFLOW_CONN_WAREHOUSE": "postgres://u:p@h/d",
    "AWS_SECRET_ACCESS_KEY": "key",
    "PYTHONPATH": "/opt/airflow",
    "PGPASSWORD": "of the metadata database",
    "PGPASSFILE": "/opt/airflow/.pgpass",
    "PGHOST": "airflow-database",
    "PGSERVICE": "airflow-metadata",
}
GOOD = Summary(status=RunStatus.SUCCESS, exit_reason=ExitReason.SUCCESS, artifacts="runs/x").to_termination_message()
LOG = logging.getLogger("test")


def settings(**changes: Any) -> LocalSettings:
    return LocalSettings.parse({**LOCAL, **changes}, source="test")


def test_the_command_is_a_list() -> None:
    step = Step.of(select="a b", vars={"day": "; rm -rf /"})
    arguments = process_arguments(settings(), step)
    assert arguments[:6] == ["/opt/dbt/bin/python", "-P", "-m", "podbt", "run", "--"]
    assert arguments[6:] == ["build", "--target", "prod", "--select", "a", "b", "--vars", '{"day": "; rm -rf /"}']


def test_of_the_workers_environment_only_what_is_named_passes(tmp_path: Path) -> None:
    worker = {**SECRETS, "PATH": "/bin", "HOME": "/home/x", "TZ": "UTC", "PGSSLROOTCERT": "/ca", "WAREHOUSE": "w"}
    given = settings(env_names=["WAREHOUSE", "PGSSLROOTCERT"])
    env = process_environment(given, Step(), IDENTITY, tmp_path, worker)
    assert not set(SECRETS) & set(env)
    assert not set(SECRETS.values()) & set(env.values())
    inherited = {name: env[name] for name in env if name in worker}
    assert inherited == {name: worker[name] for name in ("PATH", "HOME", "TZ", "PGSSLROOTCERT", "WAREHOUSE")}
    assert RunIdentity.from_env(env) == IDENTITY
    assert env["PODBT_ARTIFACTS"] == "/srv/artifacts"
    assert env["DBT_ENGINE_PROFILES_DIR"] == "/srv/profiles"


def test_plain_variables_reach_dbt_beside_the_files(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("SECRET=s\n")
    file.chmod(0o600)
    made = settings(env={"A": "plain"}, env_file=str(file))
    env = process_environment(made, Step.from_dict({"env": {"B": "step"}}), IDENTITY, tmp_path, {})
    assert {"A": "plain", "B": "step", "SECRET": "s"}.items() <= env.items()
    for twice in (Step.from_dict({"env": {"SECRET": "plain"}}), Step()):
        changed = made if twice.env else settings(env={"SECRET": "plain"}, env_file=str(file))
        with pytest.raises(ConfigError, match="SECRET is given by env, too"):
            process_environment(changed, twice, IDENTITY, tmp_path, {})


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        pytest.param("A=1\n", 0o644, r"can be read by others \(mode 0644\)\. Run: chmod 0600", id="readable"),
        pytest.param("secret-value\n", 0o600, "line 1 is not NAME=value", id="no pair"),
        pytest.param("A=1\nAIRFLOW__X=secret-value\n", 0o600, "line 2: AIRFLOW__X is not for dbt", id="Airflow's"),
        pytest.param(None, 0o600, "cannot be read", id="missing"),
    ],
)
def test_a_wrong_env_file_is_named_without_its_values(tmp_path: Path, text: str | None, mode: int, said: str) -> None:
    file = tmp_path / "env"
    if text is not None:
        file.write_text(text)
        file.chmod(mode)
    with pytest.raises(ConfigError, match=said) as error:
        process_environment(settings(env_file=str(file)), Step(), IDENTITY, tmp_path, {})
    assert "secret-value" not in str(error.value)


def test_an_env_file_and_a_missing_name(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.touch(mode=0o600)
    file.write_text("# the warehouse\n\nPASSWORD=a = b\n")
    env = process_environment(settings(env_file=str(file)), Step(), IDENTITY, tmp_path, {})
    assert env["PASSWORD"] == "a = b"
    with pytest.raises(ConfigError, match="env_names: NOT_THERE is not set in the worker's environment"):
        process_environment(settings(env_names=["NOT_THERE"]), Step(), IDENTITY, tmp_path, {})


def test_a_bucket_is_told_with_the_credentials_that_are_named(tmp_path: Path) -> None:
    worker = {"GOOGLE_SERVICE_ACCOUNT_KEY": "{}", "AWS_SECRET_ACCESS_KEY": "not named"}
    given = settings(artifacts={"url": "gs://runs/dental"}, env_names=["GOOGLE_SERVICE_ACCOUNT_KEY"])
    env = process_environment(given, Step(), IDENTITY, tmp_path, worker)
    assert env["PODBT_ARTIFACTS"] == "gs://runs/dental"
    assert env["GOOGLE_SERVICE_ACCOUNT_KEY"] == "{}"
    assert "AWS_SECRET_ACCESS_KEY" not in env


def run(tmp_path: Path, script: str, **changes: Any) -> ProcessRun:
    """A run whose interpreter is a program of the test's."""
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\n" + textwrap.dedent(script))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "scratch").mkdir()
    places = {"python": str(program), "project": str(tmp_path), "scratch": {"folder": str(tmp_path / "scratch")}}
    made = run_of(settings(**places, **changes), Step(), IDENTITY, LOG)
    assert isinstance(made, ProcessRun)
    return made


def left(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "scratch").iterdir()]


@pytest.mark.parametrize(
    ("script", "reason", "said"),
    [
        pytest.param(f"echo '{GOOD}' > $PODBT_TERMINATION_LOG", "success", "success", id="good"),
        pytest.param("exit 0", "lost", "ended with code 0 but left no record", id="silent success"),
        pytest.param(
            f"echo '{GOOD}' > $PODBT_TERMINATION_LOG; exit 1", "lost", "ended with code 1", id="contradiction"
        ),
        pytest.param("kill -9 $$", "lost", r"ended with code -9 \(SIGKILL\)", id="killed"),
        pytest.param("echo '{broken' > $PODBT_TERMINATION_LOG; exit 2", "lost", "code 2 .*{broken", id="half a word"),
    ],
)
def test_success_is_the_runners_own_word(tmp_path: Path, script: str, reason: str, said: str) -> None:
    outcome = run(tmp_path, script).execute()
    assert outcome.summary.exit_reason == reason
    assert re.search(said, outcome.line)
    assert left(tmp_path) == []


def test_the_log_comes_line_by_line_with_errors(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    run(tmp_path, r"printf 'one\ntwo\n'; printf 'th\377ree' >&2").execute()
    assert [record.getMessage() for record in caplog.records][1:] == ["one", "two", "th�ree"]


def test_too_long_a_run_is_told_to_stop_then_killed(tmp_path: Path) -> None:
    deaf = run(tmp_path, "trap '' TERM; while :; do sleep 0.2; done", termination_grace_seconds=5)
    deaf._run_seconds, deaf._grace_seconds = 1, 1
    outcome = deaf.execute()
    assert outcome.summary.exit_reason == ExitReason.LOST
    assert "longer than run_timeout_seconds" in outcome.line
    assert left(tmp_path) == []


def test_a_stop_reaches_the_group_and_nothing_is_left(tmp_path: Path) -> None:
    script = """
        sleep 600 & echo $! > child
        trap 'echo asked; exit 4' TERM
        while :; do sleep 0.1; done
    """
    tested = run(tmp_path, script)

    def stop() -> None:
        while not (tmp_path / "child").exists():
            time.sleep(0.05)
        tested.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()
    outcome = tested.execute()
    stopper.join()
    assert not outcome.ok
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 10
    while _alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_models_demand_is_said_to_be_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    made = plan("small", "large", large={"meta": {"podbt": {"resources": {"limits": {"memory": "8Gi"}}}}})
    (tmp_path / "plan.json").write_text(made.to_json())
    run(tmp_path, "exit 0", plan=str(tmp_path / "plan.json")).execute()
    said = [record.getMessage() for record in caplog.records if "meta.podbt" in record.getMessage()]
    assert said == ["A process is held to no resources: meta.podbt of model.p.large is passed over"]


@pytest.mark.parametrize("missing", ["python", "project", "scratch"])
def test_what_is_not_there_is_named(tmp_path: Path, missing: str) -> None:
    nowhere: Any = f"/no/such/{missing}"
    places = {"python": "/bin/true", "project": str(tmp_path), "scratch": {"folder": str(tmp_path)}}
    places[missing] = {"folder": nowhere} if missing == "scratch" else nowhere
    with pytest.raises(ConfigError, match=rf"'{nowhere}[^']*': No such file"):
        run_of(settings(**places), Step(), IDENTITY, LOG).execute()
