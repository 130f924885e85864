"""The runtimes that a worker watches: a pod it waits for, a container of a Docker host, a process beside it."""

import importlib
from collections.abc import Callable
from typing import Any, Final, Protocol

from podbt.contract.kinds import Runtime
from podbt.contract.outcome import Outcome
from podbt.contract.record import RunIdentity
from podbt.contract.settings.load import AnySettings
from podbt.contract.step import Step
from podbt.errors import ConfigError

_RUNS: Final = {
    Runtime.DOCKER: "docker:ContainerRun",
    Runtime.KUBERNETES: "kubernetes:PodRun",
    Runtime.LOCAL: "local:ProcessRun",
}
_PACKAGES: Final = {
    Runtime.DOCKER: "apache-airflow-providers-docker",
    Runtime.KUBERNETES: "apache-airflow-providers-cncf-kubernetes",
}


class Run(Protocol):
    """One try of a step on a runtime."""

    def execute(self) -> Outcome:
        """Runs it to its end, copying its log.

        Raises:
            PodbtError: It cannot be started as it is configured.
        """

    def stop(self) -> None:
        """Asks it to end within the grace period. Called from a signal handler: it only leaves word."""


def run_of(
    settings: AnySettings, step: Step, identity: RunIdentity, log: Any, on_line: Callable[[str], bool] | None = None
) -> Run:
    """The run of a step on the runtime that the settings name.

    Args:
        settings: Where it runs.
        step: What runs.
        identity: For whom.
        log: Gets its output, line by line.
        on_line: Gets each line first; True keeps it out of the log.

    Raises:
        ConfigError: What the runtime needs is not installed beside Airflow.
    """
    module, _, name = _RUNS[settings.runtime].partition(":")
    try:
        # Here, since each brings a large library that the others do without.
        made = getattr(importlib.import_module(f"podbt.airflow.runtimes.{module}"), name)
    except ImportError as error:
        raise ConfigError(
            f"Runtime {settings.runtime} needs {_PACKAGES.get(settings.runtime, error.name)} beside Airflow "
            f"({error}). Install podbt[{settings.runtime}], or choose another runtime."
        ) from None
    run: Run = made(settings, step, identity, log, on_line)
    return run
