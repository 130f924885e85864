"""All tries of one DAG run, of whatever task, that have ended or still last."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from podbt import constants
from podbt.contract.exits import ExitReason
from podbt.contract.journal import fold, settle
from podbt.contract.record import NodeRecord, RunIdentity, RunStart
from podbt.errors import ConfigError
from podbt.store.alive import read_alive
from podbt.store.failures import refused, store_errors
from podbt.store.location import StorePath
from podbt.store.runs import Folder, folders, journal, read_record


@dataclass(frozen=True, kw_only=True)
class Beside:
    """One try.

    Attributes:
        path: Its folder, relative to the root.
        folder: The folder.
        start: What it is.
        reason: Why it ended; None where it lasts, or was lost and nobody has published it yet.
    """

    path: str
    folder: StorePath
    start: RunStart
    reason: ExitReason | None

    def node(self, unique_id: str) -> NodeRecord | None:
        """What its journal says of a node.

        Raises:
            ArtifactError: The store cannot be read.
            ConfigError: The journal is not what podbt writes.
        """
        lines = [line for line in self._journal.splitlines(keepends=True) if f'"{unique_id}"'.encode() in line]
        return next(iter(settle(fold(b"".join(lines), source=self.path))), None)

    @cached_property
    def _journal(self) -> bytes:
        try:
            return journal(self.folder)
        except store_errors() as error:
            raise refused("read", self.folder, error) from None


def beside(root: StorePath, identity: RunIdentity, *, own: str) -> list[Beside]:
    """The other tries of a run's DAG run, the one that began last first.

    Args:
        root: Root of the artifact store.
        identity: Of the run.
        own: Its folder, relative to the root; not among them.

    Raises:
        ArtifactError: The store cannot be read.
    """
    found = [one for folder in folders(root, identity.dag_id, identity.run_id) for one in _read(root, folder, own)]
    return sorted(found, key=lambda one: one.start.started_at, reverse=True)


def _read(root: StorePath, folder: Folder, own: str) -> Iterator[Beside]:
    """Nothing of one that is no run yet, or that this podbt cannot read: a damaged record tells nobody anything."""
    place = root / folder.path
    if folder.removed or folder.path in {own, f"{own}.partial"}:
        return
    try:
        if constants.RUN_FILE in folder.entries:
            record = read_record(place)
            yield Beside(path=folder.path, folder=place, start=record, reason=record.exit_reason)
        elif (alive := read_alive(place)) is not None:
            yield Beside(path=folder.path, folder=place, start=alive.start, reason=None)
    except (FileNotFoundError, ConfigError):
        return
    except store_errors() as error:
        raise refused("read", place, error) from None
