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
from podbt.store.runs import Folder, folders, read_record
from podbt.store.store import Store


@dataclass(frozen=True, kw_only=True)
class Beside:
    """One try.

    Attributes:
        store: The artifact store.
        path: Its folder there.
        start: What it is.
        reason: Why it ended; None where it lasts, or was lost and nobody has published it yet.
    """

    store: Store
    path: str
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
            return self.store.read_lines(self.path)
        except store_errors() as error:
            raise refused("read", f"{self.store}/{self.path}", error) from None


def beside(store: Store, identity: RunIdentity, *, own: str) -> list[Beside]:
    """The other tries of a run's DAG run, the one that began last first.

    Args:
        store: The artifact store.
        identity: Of the run.
        own: Its folder; not among them.

    Raises:
        ArtifactError: The store cannot be read.
    """
    found = [one for folder in folders(store, identity.dag_id, identity.run_id) for one in _read(store, folder, own)]
    return sorted(found, key=lambda one: one.start.started_at, reverse=True)


def _read(store: Store, folder: Folder, own: str) -> Iterator[Beside]:
    """Nothing of one that is no run yet, or that this podbt cannot read: a damaged record tells nobody anything."""
    if folder.removed or folder.path in {own, f"{own}.partial"}:
        return
    try:
        if constants.RUN_FILE in folder.entries:
            record = read_record(store, folder.path)
            yield Beside(store=store, path=folder.path, start=record, reason=record.exit_reason)
        elif (alive := read_alive(store, folder.path)) is not None:
            yield Beside(store=store, path=folder.path, start=alive.start, reason=None)
    except (FileNotFoundError, ConfigError):
        return
    except store_errors() as error:
        raise refused("read", f"{store}/{folder.path}", error) from None
