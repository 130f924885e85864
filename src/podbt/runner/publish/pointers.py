"""Moves the pointers of a target to a published run: the last one, the last good one, results, freshness, state."""

from podbt import constants
from podbt.contract import layout
from podbt.contract.kinds import BUILDING_COMMANDS, Command
from podbt.contract.record import NodeRecord, RunRecord
from podbt.contract.state import Pointer, StateVariables, TargetState
from podbt.errors import ConfigError
from podbt.runner.dbt.project_vars import project_vars
from podbt.runner.prepare.prepared import Prepared
from podbt.runner.process.scratch import Workspace
from podbt.runner.publish.whole import is_whole
from podbt.store.run_folder import RunFolder


class Pointers:
    """The pointers of one run's target, around its publication.

    Args:
        workspace: Where dbt left its files.
        prepared: What the run was given.
        command: The dbt command.
        selected: What dbt selected; None where nobody knows, or where it asked a state for it.
    """

    def __init__(
        self, workspace: Workspace, prepared: Prepared, command: str | None, selected: set[str] | None = None
    ) -> None:
        self._prepared = prepared
        self._command = command
        self._selected = selected
        self._project = workspace.project
        self._results = workspace.target / constants.RUN_RESULTS_FILE
        self._manifest = workspace.target / constants.MANIFEST_FILE
        self._sources = workspace.target / constants.SOURCES_FILE

    def is_whole(self, record: RunRecord, nodes: list[NodeRecord], folder: RunFolder) -> bool:
        """Whether the run is the target's new state; if so, puts the sources.json that it goes by beside its files.

        A state has all its files in one run's folder: an older run that measured the sources may be pruned. Where that
        is so already, or the store does not give the file in time, the state is without.
        """
        arguments = self._prepared.verdict.arguments
        if not record.exit_reason.succeeded:
            return False
        if not is_whole(arguments, nodes, self._manifest, self._results, selected=self._selected):
            return False
        wanted = self._prepared.sources
        if wanted and not self._sources.exists() and not record.resumed_from:
            content = folder.read(wanted)
            if content is not None:
                self._sources.write_bytes(content)
        return True

    def move(self, folder: RunFolder, record: RunRecord, *, ran_nodes: bool, whole: bool) -> None:
        """Points to the run, once it is published. What the store refuses is in the folder's notes."""
        target = record.target
        if target is None:
            return
        pointer = Pointer(run=folder.path, finished_at=record.finished_at)
        if self._command in BUILDING_COMMANDS:
            folder.point(target, layout.LATEST, pointer)
            if record.exit_reason.succeeded:
                folder.point(target, layout.LATEST_SUCCESS, pointer)
        sources = f"{folder.path}/{constants.SOURCES_FILE}" if self._sources.exists() else None
        if sources and (self._prepared.measured or self._command == Command.SOURCE_FRESHNESS):
            folder.point(target, layout.FRESHNESS, pointer)
        if ran_nodes and self._results.exists() and self._command in BUILDING_COMMANDS:
            folder.point(target, layout.LATEST_RESULTS, pointer)
        if whole and record.manifest:
            state = TargetState(
                run=folder.path,
                finished_at=record.finished_at,
                manifest=record.manifest,
                run_results=f"{folder.path}/{constants.RUN_RESULTS_FILE}",
                sources=_seen(record, folder) if record.resumed_from else sources,
                image=record.image,
                revision=record.revision,
                plan_hash=record.plan_hash,
            )
            folder.point(target, layout.STATE, state)
            variables = project_vars(self._project, self._prepared.verdict.arguments)
            known = StateVariables(run=folder.path, finished_at=record.finished_at, variables=variables)
            folder.point(target, layout.VARIABLES, known)


def _seen(record: RunRecord, folder: RunFolder) -> str | None:
    """Of a resumed build: the sources.json that its first try went by, since what that built saw no newer rows."""
    while record.resumed_from:
        try:
            earlier = folder.read_record(record.resumed_from)
        except ConfigError:  # damaged since; a state without is a true one
            return None
        if earlier is None:  # pruned
            return None
        record = earlier
    return record.sources if record.sources and folder.read(record.sources, later=True) is not None else None
