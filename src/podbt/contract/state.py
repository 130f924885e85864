"""What a target's pointers say: its last runs, the freshness of its sources, and its state.

A target's state is what its tables were last built from, whole: later runs compare with it and defer to it.
"""

from datetime import datetime
from typing import Literal

from podbt.contract.model import StorePath, Strict
from podbt.errors import ConfigError


class Pointer(Strict):
    """Names one published run."""

    run: StorePath
    """The run's folder, relative to the root of the artifact store."""
    finished_at: datetime


class TargetState(Pointer):
    """targets/<target>/state.json. Paths are relative to the root of the artifact store."""

    schema_version: Literal[1] = 1
    manifest: StorePath
    run_results: StorePath
    sources: StorePath | None = None
    """sources.json of the last freshness run before the build began: what the build had seen, or less."""
    image: str | None = None
    revision: str | None = None
    plan_hash: str | None = None


class StateVariables(Pointer):
    """targets/<target>/variables.json, beside the state of the same run.

    A file of its own: a release of podbt that does not know it still reads the state.
    """

    variables: dict[str, str]
    """See `podbt.contract.project_vars`."""


def split_state_name(name: str) -> tuple[str, bool]:
    """Splits the name of a state.

    Returns:
        The target, and whether its last successful run is meant instead of its last complete build.

    Raises:
        ConfigError: It is neither "<target>" nor "<target>:latest-success".
    """
    target, colon, which = name.partition(":")
    if not target or (colon and which != "latest-success"):
        raise ConfigError(f"State '{name}' is no name of a state. Give a target, or <target>:latest-success.")
    return target, bool(colon)
