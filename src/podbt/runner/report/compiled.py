"""The compiled SQL of failed nodes."""

from pathlib import Path

from podbt import constants
from podbt.contract import layout
from podbt.errors import ArtifactError
from podbt.runner.process.redact import Redactor
from podbt.store.run_folder import RunFolder


def compiled_name(unique_id: str) -> str:
    """Where a node's compiled SQL lies, relative to the run's folder."""
    return f"{constants.COMPILED_FOLDER}/{layout.folder_name(unique_id)}.sql"


class CompiledSql:
    """Copies the SQL of a failed node to the store at once: its pod may not live to publish."""

    def __init__(self, compiled: Path, folder: RunFolder | None, redactor: Redactor) -> None:
        """Copies nothing, yet.

        Args:
            compiled: The folder where dbt leaves it.
            folder: The run's; without one it stays where it is.
            redactor: Keeps secrets out of the copy.
        """
        self._compiled = compiled
        self._folder = folder
        self._redactor = redactor

    def keep(self, unique_id: str, path: str) -> str | None:
        """Returns where a node's SQL is: in the run's folder, or on this machine; None where it is not."""
        found = next((file for file in self._compiled.rglob(Path(path).name) if file.as_posix().endswith(path)), None)
        if found is None or self._folder is None:
            return str(found) if found else None
        name = compiled_name(unique_id)
        try:
            self._folder.write(name, self._redactor.content(found.read_bytes()))
        except (OSError, ArtifactError):
            return None
        return name
