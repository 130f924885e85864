"""`try`: what it writes is what podbt reads, and what it leaves alone. The whole runs by `make try`."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from localcluster import cli
from localcluster.places import State
from localcluster.session import Session
from localcluster.shell import LocalError, Shell
from localtry import environments, nightly, postgres
from localtry.folder import Folder, digest
from localtry.postgres import Server
from tests.support.programs import Programs

from podbt.airflow.runtimes.environment import configured
from podbt.contract.settings.load import load_settings
from podbt.contract.settings.local import LocalSettings

SERVER = Server(port=4711, password="pw-1234")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(root=tmp_path / "check out", path=tmp_path / "check out" / ".try")
    made.path.mkdir(parents=True)
    return made


def test_podbt_reads_the_settings_and_the_password_is_not_in_them(folder: Folder) -> None:
    nightly.write_settings(folder, SERVER)
    settings = load_settings(folder.settings)
    assert isinstance(settings, LocalSettings)
    assert SERVER.password not in folder.settings.read_text()
    assert stat.S_IMODE(folder.secrets.stat().st_mode) == 0o600
    assert configured(settings, {})["WAREHOUSE_PASSWORD"] == SERVER.password
    assert folder.artifacts.is_dir()


def test_another_airflow_on_the_machine_has_no_say() -> None:
    mixed = {"AIRFLOW_HOME": "/a", "AIRFLOW__CORE__EXECUTOR": "x", "DBT_TARGET": "t", "PGHOST": "h", "PATH": "/bin"}
    assert nightly.clean(mixed) == {"PATH": "/bin"}


def test_the_environment_for_a_shell_quotes(folder: Folder, shell: Shell) -> None:
    nightly.write_env(folder)
    said = shell.run("bash", "-c", '. "$1"; echo "$AIRFLOW_HOME"', "bash", folder.env)
    assert said.strip() == str(folder.airflow_home)


def test_a_digest_knows_content_and_names(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    one = digest(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").write_text("2")
    assert digest(tmp_path) == one
    (tmp_path / "a").rename(tmp_path / "b")
    assert digest(tmp_path) != one


def test_a_plain_users_server_is_in_the_folder(
    session: Session, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    at = postgres.place(session, folder)
    assert (at.home, at.user) == (folder.path / "postgres", None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused by PostgreSQL, and only root can change owners")
@pytest.mark.parametrize("mode", [0o755, 0o700], ids=["reachable", "private"])
def test_roots_server_is_where_another_user_can_reach_it(
    session: Session, folder: Folder, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_reachable", lambda path: bool(path.parent.stat().st_mode & 0o001))
    folder.root.chmod(mode)
    at = postgres.place(session, folder)
    try:
        assert at.user in {"postgres", "nobody"}
        assert at.home.owner() == at.user
        assert at.home.is_relative_to(folder.path) is (mode == 0o755)
        assert postgres.place(session, folder) == at
    finally:
        at.home.rmdir()


def test_the_verbs_are_there() -> None:
    for verb in ("try", "try-down"):
        assert cli.parser().parse_args([verb]).verb == verb


def test_a_failed_run_is_told_by_its_failures(
    session: Session, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = {"run": {"status": "failed", "failures": [{"unique_id": "model.p.m", "message": "boom"}], "counts": {}}}

    class Podbt(Shell):
        def attempt(self, *_args: Any, **_more: Any) -> tuple[int, str]:
            return 0, json.dumps(record)

    nightly.report(session, folder, Podbt(environ={}), ok=False)
    said = session.console.out.getvalue()  # type: ignore[attr-defined]  # a StringIO here
    assert "dental_nightly FAILED" in said
    assert "model.p.m: boom" in said


def test_a_releases_wheel_is_tried_in_place_of_the_checkout(
    folder: Folder, session: Session, shell: Shell, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder.root / "requirements").mkdir()
    (folder.root / "requirements/dbt-1.11.txt").write_text("")
    uv = folder.program("build", "uv")
    uv.parent.mkdir(parents=True)
    programs.add("uv", "")
    folder.venv("dbt").mkdir()
    uv.symlink_to(programs.folder / "uv")
    wheel = folder.path / "podbt-9.0.0-py3-none-any.whl"
    wheel.write_bytes(b"one")
    monkeypatch.setenv("PODBT_WHEEL", str(wheel))
    mine = replace(session, state=State(replace(session.places, cache=folder.path)))
    assert environments.provide(mine, folder, shell, "dbt") == "made"
    assert programs.calls[-1].endswith(f"--no-deps --reinstall {wheel}")
    assert environments.provide(mine, folder, shell, "dbt") == "is there already"
    wheel.write_bytes(b"two")
    assert environments.provide(mine, folder, shell, "dbt") == "brought up to date"
    monkeypatch.setenv("PODBT_WHEEL", "nowhere.whl")
    with pytest.raises(LocalError, match=r"PODBT_WHEEL names nowhere[.]whl, which is no file: make dist makes one"):
        environments.provide(mine, folder, shell, "dbt")
