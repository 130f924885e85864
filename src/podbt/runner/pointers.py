"""Moves the pointers of a target that depend on what a published run did: its results, freshness, state."""

import contextlib

from podbt import constants
from podbt.contract import layout
from podbt.contract.record import NodeRecord, RunRecord
from podbt.contract.state import Pointer, TargetState
from podbt.runner.command import BUILDING_COMMANDS
from podbt.runner.environment import Environment
from podbt.runner.prepare import Prepared
from podbt.runner.publish import RunFolder
from podbt.runner.whole import is_whole


class Pointers:
    """The pointers of one run's target, around its publication.

    Args:
        environment: Where dbt left its files.
        prepared: What the run was given.
        command: The dbt command.
    """

    def __init__(self, environment: Environment, prepared: Prepared, command: str | None) -> None:
        self._root = environment.artifacts
        self._prepared = prepared
        self._command = command
        self._results = environment.target_path / constants.RUN_RESULTS_FILE
        self._manifest = environment.target_path / constants.MANIFEST_FILE
        self._sources = environment.target_path / constants.SOURCES_FILE

    def is_whole(self, record: RunRecord, nodes: list[NodeRecord]) -> bool:
        """Whether the run is the target's new state; if so, puts the sources.json that it goes by beside its files.

        A state has all its files in one run's folder: an older run that measured the sources may be pruned.
        """
        arguments = self._prepared.verdict.arguments
        if not (record.exit_reason.succeeded and is_whole(arguments, nodes, self._manifest, self._results)):
            return False
        if self._root and self._prepared.sources and not self._sources.exists() and not record.resumed_from:
            with contextlib.suppress(FileNotFoundError):  # pruned since; the state is then without
                self._sources.write_bytes((self._root / self._prepared.sources).read_bytes())
        return True

    def move(self, folder: RunFolder, record: RunRecord, *, ran_nodes: bool, whole: bool) -> None:
        """Points to the run, once it is published.

        Raises:
            ArtifactError: The store refused.
        """
        target = record.target
        if target is None:
            return
        pointer = Pointer(run=folder.path, finished_at=record.finished_at)
        sources = f"{folder.path}/{constants.SOURCES_FILE}" if self._sources.exists() else None
        if sources and (self._prepared.measured or self._command == "source freshness"):
            folder.point(target, layout.FRESHNESS, pointer)
        if ran_nodes and self._results.exists() and self._command in BUILDING_COMMANDS:
            folder.point(target, layout.LATEST_RESULTS, pointer)
        if whole and record.manifest:
            state = TargetState(
                run=folder.path,
                finished_at=record.finished_at,
                manifest=record.manifest,
                run_results=f"{folder.path}/{constants.RUN_RESULTS_FILE}",
                sources=self._seen(record) if record.resumed_from else sources,
                image=record.image,
                revision=record.revision,
                plan_hash=record.plan_hash,
            )
            folder.point(target, layout.STATE, state)

    def _seen(self, record: RunRecord) -> str | None:
        """Of a resumed build: the sources.json that its first try went by, since what that built saw no newer rows."""
        if self._root is None:
            return None
        while record.resumed_from:
            path = f"{record.resumed_from}/{constants.RUN_FILE}"
            try:
                record = RunRecord.parse_json((self._root / path).read_bytes(), source=path)
            except FileNotFoundError:  # pruned
                return None
        return record.sources if record.sources and (self._root / record.sources).exists() else None
