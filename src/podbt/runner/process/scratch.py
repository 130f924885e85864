"""The scratch folder at the start of a run: nothing in it may be taken for this run's that an earlier one left.

A pod's is empty. A container that is started again, and a person's machine, keep the one before.
"""

import shutil

from podbt import constants
from podbt.errors import ConfigError
from podbt.runner.process.environment import Environment


def clean(environment: Environment, command: str | None, *, state_given: bool) -> None:
    """Removes dbt's files of an earlier run, and a journal that had no store.

    What stays: the partial parse, which dbt itself checks; copies of runs that could not be published; and for a
    `dbt retry` without a state the two files that it takes its work from.

    Args:
        environment: Where the files are.
        command: The dbt command.
        state_given: Whether the arguments name a state.

    Raises:
        ConfigError: Something cannot be removed.
    """
    kept = {constants.PARTIAL_PARSE_FILE}
    if command == "retry" and not state_given:
        kept |= {constants.RUN_RESULTS_FILE, constants.MANIFEST_FILE}
    target = environment.target_path
    old = [path for path in target.iterdir() if path.name not in kept] if target.is_dir() else []
    old += [environment.log_path, environment.scratch / constants.NODES_FILE]
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
