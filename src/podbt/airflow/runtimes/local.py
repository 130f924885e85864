"""Runtime local: the runner as a process beside the worker, in a Python environment of dbt's own."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from podbt import constants
from podbt.airflow.runtimes.environment import configured
from podbt.airflow.runtimes.watched import End, WatchedRun
from podbt.contract.demands import demanded_by
from podbt.contract.invocation import run_environment
from podbt.contract.plan import load_plan
from podbt.contract.record import RunIdentity
from podbt.contract.settings.local import LocalSettings
from podbt.contract.step import Step
from podbt.errors import ConfigError

_MESSAGE_FILE: Final = "termination-log"
_ALLOWED: Final = frozenset({"HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "TZ"})
"""None of libpq's PG… is in it: on a worker those are the way to Airflow's database, if anything."""


def process_arguments(settings: LocalSettings, step: Step) -> list[str]:
    """The command line of the runner."""
    # -P: the working directory is the project's, and none of its files is a module of ours.
    return [settings.python, "-P", "-m", "podbt", "run", "--", *step.arguments(settings.target)]


def process_environment(
    settings: LocalSettings, step: Step, identity: RunIdentity, scratch: Path, env: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The whole environment of the runner: of the worker's own only what libraries need and what the settings name."""
    allowed = {name: value for name, value in env.items() if name in _ALLOWED}
    given = {
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(scratch),
        constants.ENV_PROJECT_DIR: settings.project,
        "DBT_ENGINE_PROFILES_DIR": settings.profiles.folder,
        constants.ENV_SCRATCH: str(scratch),
        constants.ENV_TERMINATION_LOG: str(scratch / _MESSAGE_FILE),
        constants.ENV_STDIN_GUARD: str(settings.termination_grace_seconds),
    }
    if settings.baked:
        given[constants.ENV_BAKED] = settings.baked
    return {
        **allowed,
        **configured(settings, env, plain=step.env),
        **given,
        **run_environment(
            settings, step, identity, image=None, artifacts=settings.artifacts, folder=settings.artifacts.folder
        ),
    }


class ProcessRun(WatchedRun):
    """One try of a step as a process, in a session and process group of its own.

    A worker that is killed takes the process with it: the runner stops when its standard input ends.
    """

    def __init__(
        self,
        settings: LocalSettings,
        step: Step,
        identity: RunIdentity,
        log: Any,
        on_line: Callable[[str], bool] | None = None,
    ) -> None:
        super().__init__(settings, log, on_line)
        self._settings, self._step, self._identity = settings, step, identity
        self._scratch: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the runner.

        Raises:
            ConfigError: The scratch folder, the project's or the interpreter is not there.
        """
        settings = self._settings
        try:
            self._scratch = Path(tempfile.mkdtemp(prefix="podbt-", dir=settings.scratch.folder))
            (self._scratch / _MESSAGE_FILE).touch(mode=0o600)
            environment = process_environment(settings, self._step, self._identity, self._scratch)
            self._process = subprocess.Popen(
                process_arguments(settings, self._step),
                cwd=settings.project,
                env=environment,
                stdin=subprocess.PIPE,  # held open and never written to: see follow_standard_input
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ConfigError(
                f"Runtime local cannot start dbt: '{error.filename}': {error.strerror}. "
                "Mend python, project or scratch in the settings."
            ) from None
        self._log.info("dbt runs as process %s, in %s", self._process.pid, self._scratch)
        plan = load_plan(settings.plan).on(self._step.target or settings.target) if settings.plan else None
        if plan and (demanded := demanded_by(self._step, plan)):
            self._log.info("A process is held to no resources: meta.podbt of %s is passed over", ", ".join(demanded))

    def lines(self) -> Iterator[str]:
        """The process's output."""
        stream = self._running().stdout
        if stream is None:
            return
        with stream:  # closed by its only reader
            for line in stream:
                yield line.decode(errors="replace").rstrip("\n")

    def poll(self) -> End | None:
        """The process's exit code."""
        code = self._running().poll()
        if code is None:
            return None
        return End(code=code, why=signal.Signals(-code).name if code < 0 else "")

    def ask(self) -> None:
        """SIGTERM to the group."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the group."""
        self._signal(signal.SIGKILL)

    def message(self) -> str:
        """The file that was named to the runner."""
        if self._scratch is None:
            return ""
        try:
            return (self._scratch / _MESSAGE_FILE).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def clean_up(self, *, ended: bool) -> None:
        """Ends the group, and removes the scratch folder."""
        if self._process is not None:
            if not ended:
                self.ask()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(timeout=self._settings.termination_grace_seconds)
            self.kill()  # also what the runner left in its group
            self._process.wait()
            if self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.close()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise AssertionError("the run was not started")
        return self._process

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._running().pid, number)
