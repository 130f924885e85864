"""A throwaway PgBouncer before a throwaway PostgreSQL."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.postgres import PASSWORD, Server


def program() -> str:
    """The pooler's program; Debian keeps it off PATH of users."""
    if found := shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin"):
        return found
    raise RuntimeError("PgBouncer is not installed (Debian: apt-get install pgbouncer).")


@contextmanager
def pooler(server: Server, mode: str) -> Iterator[int]:
    """Runs a pooler until the block ends; as root it runs as `postgres`, since it refuses root.

    Args:
        server: What it stands before.
        mode: Its pool_mode: session or transaction.

    Yields:
        Its port.
    """
    with tempfile.TemporaryDirectory(prefix="podbt-pgbouncer-") as name:
        folder = Path(name)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        (folder / "users").write_text(f'"dbt" "{PASSWORD}"\n')
        settings = {
            "listen_addr": "127.0.0.1", "listen_port": port, "auth_type": "scram-sha-256",
            "auth_file": folder / "users", "pool_mode": mode,
            "logfile": folder / "log", "unix_socket_dir": "", "ignore_startup_parameters": "options",
        }  # fmt: skip
        lines = [f"warehouse = host=127.0.0.1 port={server.port}", "[pgbouncer]"]
        text = "\n".join(["[databases]", *lines, *(f"{key} = {value}" for key, value in settings.items())])
        (folder / "pgbouncer.ini").write_text(text + "\n")
        user = "postgres" if os.geteuid() == 0 else None
        if user:
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, user, user)
        with subprocess.Popen([program(), "--quiet", folder / "pgbouncer.ini"], user=user) as process:
            try:
                deadline = time.monotonic() + 60
                while True:
                    try:
                        socket.create_connection(("127.0.0.1", port), timeout=1).close()
                        break
                    except OSError:
                        assert process.poll() is None, "PgBouncer ended"
                        assert time.monotonic() < deadline, "PgBouncer does not listen"
                        time.sleep(0.1)
                yield port
            finally:
                process.terminate()
