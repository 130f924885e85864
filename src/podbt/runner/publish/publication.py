"""A run's end: its record and files to the store, its target's pointers, and what is said where that fails.

What the exit code and the termination message say is what the stored record says. Only where no record could be stored
do they say artifact_error; what goes wrong after that is a note, in the message and in the record.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from podbt import constants
from podbt.contract.exits import ExitReason
from podbt.contract.journal import lines_of
from podbt.contract.kinds import Command, RunStatus
from podbt.contract.record import NodeRecord, RunRecord, Summary, shorten
from podbt.errors import PodbtError
from podbt.runner.prepare.prepared import Prepared
from podbt.runner.process.redact import Redactor
from podbt.runner.process.scratch import Workspace
from podbt.runner.publish.pointers import Pointers
from podbt.runner.publish.produced import add_compiled, add_site, there
from podbt.runner.publish.results import complete_results
from podbt.runner.report.report import Report
from podbt.runner.report.termination import Termination
from podbt.store.alive import Heartbeat
from podbt.store.failures import refused, store_errors
from podbt.store.run_folder import RunFolder

_PUBLISHED = (constants.RUN_RESULTS_FILE, constants.SOURCES_FILE)


@dataclass(frozen=True, kw_only=True)
class Publication:
    """Publishes one run.

    Attributes:
        folder: Its folder.
        workspace: Where dbt left its files.
        prepared: What the run was given.
        command: The dbt command.
        report: Tells of it, and whether all of its nodes were written down.
        redactor: Keeps secrets out of its files.
        termination: Takes the summary as soon as it is true.
        heartbeat: The sign of life, which goes on until everything but the record is in the store.
        selected: What dbt selected; None where it asked a state for it.
        compiled: The SQL that the command is run for, by unique_id.
    """

    folder: RunFolder
    workspace: Workspace
    prepared: Prepared
    command: str | None
    report: Report
    redactor: Redactor
    termination: Termination
    heartbeat: Heartbeat
    selected: set[str] | None = None
    compiled: Mapping[str, str] = field(default_factory=dict)

    def publish(self, record: RunRecord, nodes: list[NodeRecord]) -> Summary:
        """Publishes the record; where that fails the run failed, whatever dbt did, and says both."""
        pointers = Pointers(self.workspace, self.prepared, self.command, self.selected)
        try:
            self.folder.keep_nodes(lines_of(nodes))
            self.folder.keep(record)
            self.report.check()
            whole = pointers.is_whole(record, nodes, self.folder)
            record = self._add_files(record, nodes)
            self.heartbeat.stop()
            self.folder.publish(record)
        except (PodbtError, OSError) as error:
            return self._not_published(record, str(error))
        except store_errors() as error:  # a bucket's, whose own text may quote credentials
            return self._not_published(record, str(refused("written", self.folder.path, error)))
        # From here on the record is there for all to read. Killed while a pointer moves, the run has told of itself.
        self.termination.leave(Summary.of(record, self.folder.path))
        pointers.move(self.folder, record, ran_nodes=bool(nodes), whole=whole)
        self.folder.keep_gaps(record, nodes)
        if self.folder.notes:
            record = record.model_copy(update={"notes": [*record.notes, *self.folder.notes]})
            self.folder.amend(record)
        return Summary.of(record, self.folder.path)

    def _add_files(self, record: RunRecord, nodes: list[NodeRecord]) -> RunRecord:
        """Brings dbt's files to the folder. Returns the record with their places."""
        workspace, folder = self.workspace, self.folder
        results = workspace.target / constants.RUN_RESULTS_FILE
        folder.patiently(lambda: complete_results(results, folder.store, record.resumed_from, nodes))
        folder.put_nodes()
        manifest = workspace.target / constants.MANIFEST_FILE
        if manifest.is_file():  # the first, for it tells what words are the project's own
            # An interrupt may have cut the file short; the record matters more.
            with contextlib.suppress(ValueError):
                record = record.model_copy(update={"manifest": folder.add_manifest(manifest, self.redactor.file)})
        folder.add(there(workspace.target, _PUBLISHED), self.redactor.file)
        folder.add(there(workspace.logs, [constants.LOG_FILE]), self.redactor.file)
        if self.command == Command.DOCS_GENERATE:
            add_site(folder, workspace, self.redactor)
        if self.compiled:
            add_compiled(folder, workspace, self.compiled, self.redactor)
        looked = self.prepared.measured or self.command == Command.SOURCE_FRESHNESS
        if looked and (workspace.target / constants.SOURCES_FILE).is_file():
            record = record.model_copy(update={"sources": f"{folder.path}/{constants.SOURCES_FILE}"})
        return record

    def _not_published(self, record: RunRecord, why: str) -> Summary:
        if self.folder.kept.exists():
            self.report.say(f"What could not be published is in {self.folder.kept} until the pod ends.")
        said = f"{why} (dbt itself ended with {record.exit_reason}{': ' + record.error if record.error else ''})"
        failed = record.model_copy(
            update={"status": RunStatus.FAILED, "exit_reason": ExitReason.ARTIFACT_ERROR, "error": shorten(said, 1000)}
        )
        return Summary.of(failed, None)
