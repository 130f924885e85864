"""What every step of a verb works with."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from localcluster.console import Console
from localcluster.places import Places, State
from localcluster.shell import LocalError, Shell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from localcluster.console import Phase


@dataclass(frozen=True, kw_only=True)
class Session:
    """One call of the driver."""

    places: Places
    shell: Shell
    console: Console
    state: State

    @classmethod
    def start(cls, environ: Mapping[str, str] = os.environ) -> Session:
        """Return a session whose programs see our cache's programs first and our kubeconfig alone."""
        places = Places.here(environ)
        shell = Shell(
            environ={
                **environ,
                "PATH": f"{places.bin}{os.pathsep}{environ.get('PATH', os.defpath)}",
                "PODBT_CACHE": str(places.cache),
                "KUBECONFIG": str(places.kubeconfig),
                "DOCKER_CLI_HINTS": "false",
            }
        )
        return cls(places=places, shell=shell, console=Console(), state=State(places))

    def at(self, docker_host: str) -> Session:
        """Return the session with programs that speak to this Docker daemon; empty for Docker's own default."""
        return replace(self, shell=self.shell.but(DOCKER_HOST=docker_host)) if docker_host else self

    @contextmanager
    def phase(self, name: str, doing: str) -> Iterator[tuple[Phase, Shell]]:
        """Print and time a phase; its programs' output goes to a log of its own, begun anew."""
        log = self.places.log(name)
        log.write_bytes(b"")
        with self.console.phase(name, doing) as phase:
            yield phase, self.shell.but(log=log)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep a second `up` or `down` out while this one runs.

        Raises:
            LocalError: One runs already.
        """
        self.places.cache.mkdir(parents=True, exist_ok=True)
        with (self.places.cache / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LocalError("another up or down is running: wait for it, or end it.") from error
            yield
