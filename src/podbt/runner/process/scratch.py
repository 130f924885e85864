"""The folders of a run. Nothing in its scratch folder may be taken for this run's that an earlier one left.

A pod's is empty. A container that is started again, and a person's machine, keep the one before.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from podbt import constants
from podbt.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Where dbt finds things, and where it leaves them.

    Attributes:
        project: The folder of dbt_project.yml.
        profiles: The folder of profiles.yml.
        scratch: For all that is written.
        baked: Folder with plan, manifest and partial parse from the image build; None outside an image.
    """

    project: Path
    profiles: Path
    scratch: Path
    baked: Path | None

    @property
    def target(self) -> Path:
        """Dbt's target-path: manifest.json, run_results.json and the like."""
        return self.scratch / "target"

    @property
    def logs(self) -> Path:
        """Dbt's log-path."""
        return self.scratch / "logs"


def clean(workspace: Workspace, command: str | None, *, state_given: bool) -> None:
    """Removes dbt's files of an earlier run, and a journal that had no store.

    What stays: the partial parse, which dbt itself checks; copies of runs that could not be published; and for a
    `dbt retry` without a state the two files that it takes its work from.

    Args:
        workspace: Where the files are.
        command: The dbt command.
        state_given: Whether the arguments name a state.

    Raises:
        ConfigError: Something cannot be removed.
    """
    kept = {constants.PARTIAL_PARSE_FILE}
    if command == "retry" and not state_given:
        kept |= {constants.RUN_RESULTS_FILE, constants.MANIFEST_FILE}
    target = workspace.target
    old = [path for path in target.iterdir() if path.name not in kept] if target.is_dir() else []
    old += [workspace.logs, workspace.scratch / constants.NODES_FILE]
    for path in old:
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise ConfigError(
                f"'{path}' of an earlier run cannot be removed ({error.strerror}). "
                f"Remove it, or set {constants.ENV_SCRATCH} to a folder of this run's own."
            ) from None
