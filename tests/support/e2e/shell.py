"""Runs programs, and waits for what takes its time."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

ROOT = Path(__file__).parents[3]
DRIVER = (sys.executable, str(ROOT / "k8s" / "local"))
_TAIL_CHARS = 4000


def attempt(
    *command: str, stdin: str | None = None, env: Mapping[str, str] | None = None, timeout_seconds: float = 900
) -> subprocess.CompletedProcess[str]:
    """Runs a program; whatever its exit code, it is returned."""
    return subprocess.run(
        command,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        env={**os.environ, **(env or {})},
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout_seconds,
        check=False,
    )


def run(
    *command: str, stdin: str | None = None, env: Mapping[str, str] | None = None, timeout_seconds: float = 900
) -> str:
    """Runs a program that has to succeed and returns what it printed."""
    done = attempt(*command, stdin=stdin, env=env, timeout_seconds=timeout_seconds)
    assert done.returncode == 0, (
        f"{' '.join(command)[:300]} ended with code {done.returncode}:\n{(done.stdout + done.stderr)[-_TAIL_CHARS:]}"
    )
    return done.stdout


def wait_until(what: str, probe: Callable[[], T | None], *, seconds: float = 300, every: float = 1) -> T:
    """Polls until the probe returns something true, and returns that.

    Args:
        what: What is waited for, as the failure words it.
        probe: Looks once.
        seconds: How long to go on; generous, since no test is about speed.
        every: Seconds between two looks.
    """
    deadline = time.monotonic() + seconds
    while True:
        if found := probe():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:.0f} s there is still not: {what}")
        time.sleep(every)
