"""Runs programs: their output goes to a log, and none outlives an interrupted driver."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from enum import Enum
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

GRACE_SECONDS = 10.0
MESSAGE_CHARACTERS = 300
_ERROR = re.compile(r"(error|fatal)\b", re.IGNORECASE)
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# Docker's last word repeats the whole command that failed; what that said of itself stands before.
UNTELLING = ("$ ", "The command '", "Removing intermediate container", "---> ")


class LocalError(Exception):
    """Something the user should know in one line; `log` is where more stands."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log


class InterruptedDriverError(Exception):
    """A program was ended because the driver is ending."""


class Prints(Enum):
    """Where a program's output goes: `standard output` below is returned, the rest is logged."""

    ANSWER = "standard output, which is logged at the end"
    BOTH = "standard output and error"
    SECRET = "standard output, which is not logged"  # noqa: S105 - not one itself
    LOG = "nothing; all is logged as it comes"


@dataclass(frozen=True, kw_only=True)
class Shell:
    """Runs programs with one environment; remembers those that run, to end them on Ctrl-C."""

    environ: Mapping[str, str]
    log: Path | None = None
    _live: set[subprocess.Popen[bytes]] = field(default_factory=set)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def but(self, *, log: Path | None = None, **environ: str) -> Shell:
        """Return the same shell with another log or more environment."""
        return Shell(
            environ={**self.environ, **environ}, log=log or self.log, _live=self._live, _stopping=self._stopping
        )

    def do(self, *args: str | Path, stdin: IO[bytes] | bytes | None = None, cwd: Path | None = None) -> None:
        """Run a program for what it does; what it prints goes to the log as it comes.

        Raises:
            LocalError: It ended with another code than 0, or is not there.
        """
        code, output = self.attempt(*args, stdin=stdin, cwd=cwd, prints=Prints.LOG)
        if code != 0:
            raise LocalError(f"{_name(args)} failed{reason(self.log, output)}", self.log)

    def run(self, *args: str | Path, stdin: IO[bytes] | bytes | None = None, prints: Prints | None = None) -> str:
        """Run a program and return what it prints.

        Raises:
            LocalError: It ended with another code than 0, or is not there.
        """
        code, output = self.attempt(*args, stdin=stdin, prints=prints or Prints.ANSWER)
        if code != 0:
            raise LocalError(f"{_name(args)} failed{reason(self.log, output)}", self.log)
        return output

    def attempt(
        self,
        *args: str | Path,
        stdin: IO[bytes] | bytes | None = None,
        cwd: Path | None = None,
        timeout_seconds: float | None = None,
        prints: Prints = Prints.ANSWER,
    ) -> tuple[int, str]:
        """Run a program; return its exit code and what it prints.

        Args:
            args: The program and its arguments.
            stdin: What it reads, whole or as an open file.
            cwd: The folder it runs in.
            timeout_seconds: It is ended after this long, with code 124.
            prints: Where what it prints goes.
        """
        words = [str(arg) for arg in args]
        with _Log(self.log) as log:
            log.line("$ " + " ".join(words))
            if self._stopping.is_set():
                raise InterruptedDriverError
            try:
                # A session of its own: Ctrl-C reaches the driver alone, which then ends what it started, in order.
                process = subprocess.Popen(
                    words,
                    stdin=subprocess.PIPE if isinstance(stdin, bytes) else stdin or subprocess.DEVNULL,
                    stdout=log.file if prints is Prints.LOG else subprocess.PIPE,
                    stderr=subprocess.STDOUT if prints is Prints.BOTH else log.file,
                    env=dict(self.environ),
                    cwd=cwd,
                    start_new_session=True,
                )
            except FileNotFoundError:
                missing = f"{words[0]} is not on PATH"
                log.line(missing)
                return 127, missing
            self._live.add(process)
            try:
                out, _ = process.communicate(stdin if isinstance(stdin, bytes) else None, timeout_seconds)
            except subprocess.TimeoutExpired:
                late = f"no end within {timeout_seconds} s"
                log.line(late)
                return 124, late
            finally:
                if process.poll() is None:
                    end([process])
                if process.stdout:
                    process.stdout.close()
                self._live.discard(process)
            if self._stopping.is_set():
                raise InterruptedDriverError
            output = (out or b"").decode(errors="replace")
            if output and prints is not Prints.SECRET:
                log.line(output.rstrip("\n"))
            return process.returncode, output

    def stop(self) -> None:
        """End every program that runs, and refuse to start another."""
        self._stopping.set()
        end(list(self._live))


def end(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """Ask the processes' groups to end, then make them."""
    waiting = list(processes)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in waiting:
            try:
                os.killpg(process.pid, number)
            except (ProcessLookupError, PermissionError):
                continue
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and any(_alive(process) for process in waiting):
            time.sleep(0.05)


def _alive(process: subprocess.Popen[bytes]) -> bool:
    process.poll()  # reaps it, unless the thread that runs it does: a process that nobody reaped counts as alive
    try:
        os.killpg(process.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


class _Log:
    """A log that is appended to, or nothing at all."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.file: IO[bytes] | int = subprocess.DEVNULL

    def __enter__(self) -> Self:
        if self._path:
            self.file = self._path.open("ab")
        return self

    def line(self, text: str) -> None:
        if not isinstance(self.file, int):
            self.file.write(text.encode() + b"\n")
            self.file.flush()

    def __exit__(self, *_: object) -> None:
        if not isinstance(self.file, int):
            self.file.close()


def _name(args: Sequence[str | Path]) -> str:
    words = [str(arg).rsplit("/", 1)[-1] for arg in args[:2]]
    return " ".join(words)


def reason(log: Path | None, output: str) -> str:
    """Return the last telling line of a failed program as ": line", which is most often why; else nothing."""
    text = log.read_text(errors="replace") if log and log.exists() else output
    lines = [_ESCAPE.sub("", line).strip() for line in text.rpartition("\n$ ")[2].splitlines()]
    telling = [line for line in lines if line and not line.startswith(UNTELLING)]
    # Some print a stack, or all that they did, behind the line that says what went wrong.
    telling = [line for line in telling if _ERROR.match(line)] or telling
    return f": {telling[-1][:MESSAGE_CHARACTERS]}" if telling else ""
