"""--state NAME: what dbt compares with and defers to, taken from the artifact store by the name of a target."""

import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from podbt import constants
from podbt.contract import layout
from podbt.contract.kinds import Command, OnMissingState
from podbt.contract.record import RunRecord
from podbt.contract.state import Pointer, TargetState, split_state_name
from podbt.errors import ConfigError
from podbt.runner.dbt.arguments import STATE, Arguments
from podbt.runner.dbt.seams import Seams
from podbt.runner.dbt.selectors import AT_MOST
from podbt.store.pointers import read_pointer
from podbt.store.runs import read_record
from podbt.store.store import Store

_DEFER = frozenset({"--defer", "--favor-state"})


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """Arguments that dbt itself understands.

    Attributes:
        arguments: dbt's arguments.
        note: What was decided, as a line for the log; None where nothing was.
        fresher: Whether the selection compares the freshness of sources, so that the current one has to be known.
        at_most: Whether selectors are to be taken for all that they could match.
    """

    arguments: Arguments
    note: str | None = None
    fresher: bool = False
    at_most: bool = False

    @property
    def seams(self) -> Sequence[Seams]:
        return [AT_MOST] if self.at_most else []


def resolve_state(
    arguments: Arguments,
    store: Store | None,
    scratch: Path,
    project: Path,
    *,
    on_missing: OnMissingState = OnMissingState.FAIL,
    selector_asks: Collection[str] = (),
    restored: Callable[[bytes], bytes] = lambda content: content,
) -> Resolved:
    """Replaces the name of a state by a folder that holds its files.

    Args:
        arguments: dbt's arguments. A --state that is a path stays as it is.
        store: The artifact store; None where there is none.
        scratch: Where the folder may be made.
        project: The dbt project's folder, which dbt takes a relative path from.
        on_missing: What to do without a state.
        selector_asks: The methods by which the selector in use asks a state, as far as that is known.
        restored: Puts back the secrets that were taken out of a file: dbt compares macros and SQL as they stand.

    Raises:
        ConfigError: There is no such state or a part of it that the selection asks for.
    """
    name = arguments.value(STATE)
    methods = arguments.state_methods | set(selector_asks)
    fresher = "source_status" in methods
    if name is None or "/" in name or (project / name).is_dir():
        return Resolved(arguments=arguments, fresher=fresher and name is not None)
    target, latest = split_state_name(name)
    if store is None:
        raise ConfigError(
            f"State '{name}' is kept in the artifact store, and none is mounted at {constants.ARTIFACTS_PATH}."
        )
    files = _files(store, target, latest=latest)
    missing = sorted(_needed(arguments, methods) - set(files))
    if missing and on_missing == OnMissingState.FULL:
        full = arguments.without_state_methods().without(STATE | _DEFER)
        note = f"State '{name}' has no {' and no '.join(missing)} yet: running all that the selection could match."
        return Resolved(arguments=full, note=note, at_most=True)
    if missing:
        raise ConfigError(_explain(name, target, missing, latest=latest))
    folder = scratch / "state"
    shutil.rmtree(folder, ignore_errors=True)  # a file that this state has not may be there from an earlier one's
    folder.mkdir(parents=True, exist_ok=True)
    for file, path in files.items():
        try:
            (folder / file).write_bytes(restored(store.read(path)))
        except OSError as error:
            raise ConfigError(f"State '{name}': '{path}' cannot be read ({_why(error)}).") from None
    changed = arguments.without(STATE).plus("--state", str(folder))
    known = ", ".join(f"{file} of {path}" for file, path in files.items() if file != constants.MANIFEST_FILE)
    return Resolved(arguments=changed, note=f"State '{name}': {known or 'manifest only'}.", fresher=fresher)


def _files(store: Store, target: str, *, latest: bool) -> dict[str, str]:
    """What the store has of a state: name in the folder -> path in the store."""
    files: dict[str, str | None] = {}
    if latest:
        if pointer := read_pointer(Pointer, store, target, layout.LATEST_SUCCESS):
            record = _record(store, pointer.run)
            files = {constants.MANIFEST_FILE: record.manifest, constants.SOURCES_FILE: record.sources}
    elif state := read_pointer(TargetState, store, target, layout.STATE):
        files = {constants.MANIFEST_FILE: state.manifest, constants.SOURCES_FILE: state.sources}
    # Not those of the state: all of its nodes succeeded, and result:error+ asks what has failed since.
    if results := read_pointer(Pointer, store, target, layout.LATEST_RESULTS):
        files[constants.RUN_RESULTS_FILE] = f"{results.run}/{constants.RUN_RESULTS_FILE}"
    return {name: path for name, path in files.items() if path is not None and store.modified(path) is not None}


def _record(store: Store, run: str) -> RunRecord:
    try:
        return read_record(store, run)
    except OSError as error:
        raise ConfigError(
            f"'{run}/{constants.RUN_FILE}' cannot be read from the artifact store ({_why(error)})."
        ) from None


def _why(error: OSError) -> str:
    """A bucket's client says nothing beside its exception's class."""
    return error.strerror or ("it is not there" if isinstance(error, FileNotFoundError) else type(error).__name__)


def _needed(arguments: Arguments, methods: Collection[str]) -> set[str]:
    """The files without which dbt could not do what is asked."""
    needed = {
        file
        for method, file in (("result", constants.RUN_RESULTS_FILE), ("source_status", constants.SOURCES_FILE))
        if method in methods
    }
    defers = arguments.has(frozenset({"--defer"}))
    # Outside an image a selector of selectors.yml may ask for a state where nobody sees it from here.
    if "state" in methods or defers or not (needed or arguments.command == Command.RETRY):
        needed.add(constants.MANIFEST_FILE)
    return needed


def _explain(name: str, target: str, missing: list[str], *, latest: bool) -> str:
    whole = "a complete build on target '{}' succeeded (dbt build without a selection, or with one of every node)"
    done = "a run on target '{}' succeeded" if latest else whole
    why = {
        constants.MANIFEST_FILE: done.format(target),
        constants.RUN_RESULTS_FILE: f"a run on target '{target}' has ended",
        constants.SOURCES_FILE: f"a source freshness on target '{target}' came before its last complete build",
    }
    return (
        f"State '{name}' does not exist yet, or lacks {missing[0]}: it is there once {why[missing[0]]}. "
        f"Run that first, or choose a full run: on_missing_state='full' ({constants.ENV_ON_MISSING_STATE}=full)."
    )
