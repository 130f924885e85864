"""A server with TLS, and profiles that check its certificate with an authority of one's own."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.support.certificates import Authority
from tests.support.postgres import Server
from tests.support.runner import Runner
from tests.support.tiny import PROFILE, write_project

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def authorities(postgres: Server) -> Iterator[Path]:
    """Gives the server a certificate for 127.0.0.1; the folder has the authority that signed it, and another."""
    with tempfile.TemporaryDirectory(prefix="podbt-tls-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        authority = Authority("the clinic's")
        authority.write(folder / "ca.crt")
        Authority("somebody else's").write(folder / "other.crt")
        authority.write_server(folder / "server.crt", folder / "server.key", "127.0.0.1")
        if os.geteuid() == 0:
            shutil.chown(folder / "server.key", "postgres", "postgres")
        for key, value in {"ssl_cert_file": folder / "server.crt", "ssl_key_file": folder / "server.key"}.items():
            postgres.query(f"alter system set {key} = '{value}'", superuser=True)
        try:
            _switch(postgres, "on")
            yield folder
        finally:
            _switch(postgres, "off")


def _switch(postgres: Server, value: str) -> None:
    postgres.query(f"alter system set ssl = {value}", superuser=True)
    postgres.query("select pg_reload_conf()", superuser=True)
    deadline = time.monotonic() + 60
    while postgres.query("show ssl") != [(value,)]:
        assert time.monotonic() < deadline, "the server does not take its configuration"
        time.sleep(0.1)


def profile(**more: str) -> str:
    profiles = yaml.safe_load(PROFILE)
    profiles["tiny"]["outputs"]["dev"] |= more
    return str(yaml.safe_dump(profiles))


def run(runner: Runner, postgres: Server, **more: str) -> tuple[int, str, str]:
    del runner.env["PODBT_BAKED"]
    files = {
        "models/one.sql": "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()",
        "profiles.yml": profile(**more),
    }
    write_project(runner.folder / "project", files)
    postgres.query("drop schema if exists tiny cascade")
    ended = runner.run_with({"PODBT_CONNECTION_WAIT": "60"}, "build")
    return ended.code, ended.output, ended.last_line


@pytest.mark.parametrize("mode", ["verify-full", "require"])
def test_it_is_encrypted(runner: Runner, postgres: Server, authorities: Path, mode: str) -> None:
    more = {"sslrootcert": str(authorities / "ca.crt")} if mode == "verify-full" else {}
    code, output, _ = run(runner, postgres, sslmode=mode, **more)
    assert code == 0, output
    assert postgres.query("select ssl from tiny.one") == [(True,)]


WRONG = [
    pytest.param({"sslrootcert": "other.crt"}, "certificate verify failed", id="another authority"),
    pytest.param({"sslrootcert": "gone.crt"}, "gone.crt", id="no authority"),
    pytest.param({"sslrootcert": "ca.crt", "host": "localhost"}, 'does not match host name "localhost"', id="name"),
]


@pytest.mark.parametrize(("more", "words"), WRONG)
def test_a_certificate_that_does_not_hold_is_said_in_libpqs_words_and_not_waited_for(
    runner: Runner, postgres: Server, authorities: Path, more: dict[str, str], words: str
) -> None:
    given = {**more, "sslrootcert": str(authorities / more["sslrootcert"])}
    code, output, last = run(runner, postgres, sslmode="verify-full", **given)
    assert code != 0
    assert words in last, output
    assert runner.record()["exit_reason"] == "config_error"
    assert "waits" not in output
