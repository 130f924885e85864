"""The state that a pull request is compared with: a target's in the artifact store, or a folder out of an image."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from podbt.contract import layout
from podbt.contract.kinds import OnMissingState
from podbt.contract.project_vars import Digests
from podbt.contract.runs import Run
from podbt.contract.state import StateVariables, TargetState, split_state_name
from podbt.errors import ConfigError, PodbtError
from podbt.runner.dbt.arguments import STATE, Arguments
from podbt.runner.prepare.state import resolve_state
from podbt.store.pointers import read_pointer
from podbt.store.runs import read_run
from podbt.store.store import Store

VARS_FILE: Final = "vars.json"
"""In a state's folder: its variables' digests."""


@dataclass(frozen=True, kw_only=True)
class Before:
    """A state.

    Attributes:
        label: What it is called in the report.
        folder: Its manifest.json; None where there is no state yet, and everything is to be built.
        variables: What it was built with; None where it does not tell.
        run: The complete build that made it, where the store has that.
    """

    label: str
    folder: Path | None
    variables: Digests | None = None
    run: Run | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    """How long each node took there, by unique_id."""


def find(
    name: str,
    store: Store | None,
    *,
    scratch: Path,
    project: Path,
    full_if_missing: bool,
    restored: Callable[[bytes], bytes],
) -> Before:
    """Brings a state's files to a folder.

    Args:
        name: A target's name, or a folder: with a slash in it.
        store: The artifact store; None where there is none.
        scratch: Where the folder may be made.
        project: The dbt project's folder, which a relative folder counts from.
        full_if_missing: Whether a state that does not exist means that everything is built.
        restored: Puts back the secrets that were taken out of a file.

    Raises:
        ConfigError: There is no such state.
    """
    asked = Arguments.parse(["build", "--defer", "--state", name])
    resolved = resolve_state(
        asked,
        store,
        scratch,
        project,
        on_missing=OnMissingState.FULL if full_if_missing else OnMissingState.FAIL,
        restored=restored,
    )
    chosen = resolved.arguments.value(STATE)
    if chosen is None:
        return Before(label=f"none ('{name}' does not exist yet)", folder=None)
    folder = project / chosen  # an absolute one stays as it is
    if store is None or "/" in name or chosen == name:
        return Before(label=name, folder=folder, variables=_variables(folder / VARS_FILE))
    target, latest = split_state_name(name)
    state = None if latest else read_pointer(TargetState, store, target, layout.STATE)
    if state is None:
        return Before(label=name, folder=folder)
    run = _run(store, state.run)
    known = read_pointer(StateVariables, store, target, layout.VARIABLES)
    variables = known.variables if known and known.run == state.run else None  # else a later state has moved on
    label = f"{name} of {state.finished_at:%Y-%m-%d %H:%M} UTC" + (f", {state.revision[:12]}" if state.revision else "")
    seconds = {node.unique_id: node.seconds for node in run.nodes} if run else {}
    return Before(label=label, folder=folder, variables=variables, run=run, seconds=seconds)


def _run(store: Store, path: str) -> Run | None:
    """The build behind a state. It is for comparison alone: one that cannot be read stops nothing."""
    try:
        return read_run(store, path)
    except PodbtError:
        return None


def _variables(file: Path) -> Digests | None:
    if not file.is_file():
        return None
    try:
        data = json.loads(file.read_bytes())
    except ValueError:
        data = None
    if not isinstance(data, dict) or not all(isinstance(one, str) for one in data.values()):
        raise ConfigError(f"'{file}' is not what `podbt state` writes. Write the state anew.")
    return {str(name): str(digest) for name, digest in data.items()}
