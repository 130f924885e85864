"""Containers on this machine: a throwaway Postgres, and images as a person runs them."""

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.e2e.shell import attempt, run, wait_until

USER, DATABASE = "dbt", "warehouse"


@dataclass(frozen=True)
class Postgres:
    """A running server; name is also its container's and its network's."""

    name: str
    password: str

    def psql(self, sql: str) -> str:
        command = ("psql", "--no-psqlrc", "--tuples-only", "--no-align", f"--username={USER}", DATABASE)
        return run("docker", "exec", "--interactive", self.name, *command, stdin=sql).strip()


@contextmanager
def postgres(image: str) -> Iterator[Postgres]:
    """Runs a server on a network of its own until the block ends."""
    server = Postgres(name=f"podbt-e2e-{secrets.token_hex(4)}", password=secrets.token_hex(16))
    run("docker", "network", "create", "--internal", server.name)
    try:
        settings = ("--env", f"POSTGRES_USER={USER}", "--env", f"POSTGRES_DB={DATABASE}", "--env", "POSTGRES_PASSWORD")
        run(
            "docker", "run", "--detach", "--name", server.name, "--network", server.name, *settings, image,
            env={"POSTGRES_PASSWORD": server.password},
        )  # fmt: skip
        # Over the network, where the server only listens once it is set up.
        ready = ("docker", "exec", server.name, "pg_isready", "--host=127.0.0.1", f"--username={USER}")
        wait_until("the throwaway Postgres answers", lambda: attempt(*ready).returncode == 0)
        yield server
    finally:
        attempt("docker", "rm", "--force", "--volumes", server.name)
        run("docker", "network", "rm", server.name)


def start(
    server: Postgres, image: str, *arguments: str, options: tuple[str, ...] = (), password: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs an image as its documentation says: read-only, with a place for scratch and the warehouse's address."""
    address = {
        "WAREHOUSE_HOST": server.name,
        "WAREHOUSE_USER": USER,
        "WAREHOUSE_DATABASE": DATABASE,
        "WAREHOUSE_PASSWORD": password or server.password,
    }
    given = [word for name in address for word in ("--env", name)]
    network = () if "--network" in options else ("--network", server.name)
    hardened = ("--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges")
    return attempt("docker", "run", *hardened, *network, *given, *options, image, *arguments, env=address)
