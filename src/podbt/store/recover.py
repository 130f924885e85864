"""Turns the folder of a run that was killed into a published record: nothing of it is lost but the run itself."""

import contextlib

from podbt import constants
from podbt.contract.exits import ExitReason
from podbt.contract.journal import Alive, fold, lines_of, settle
from podbt.contract.kinds import RunStatus
from podbt.contract.record import NodeRecord, RunRecord, counts_of, failures_of
from podbt.errors import ArtifactError, ConfigError
from podbt.store.alive import is_alive, read_alive
from podbt.store.run_folder import RunFolder
from podbt.store.runs import read_record
from podbt.store.store import Store


def recover_abandoned(store: Store, partial: str) -> str | None:
    """As `recover`, for whoever does not know whether the run still lasts; takes up to 15 seconds to find out."""
    return None if is_alive(store, partial) else recover(store, partial)


def recover(store: Store, partial: str) -> str | None:
    """Publishes a `.partial` folder whose run is gone. The caller knows that it is, see `recover_abandoned`.

    It may be called for one folder at the same time by several, and again after it was itself killed anywhere.

    Args:
        store: The artifact store.
        partial: The folder.

    Returns:
        The published folder; None where there is nothing to make a record from, or where
        somebody else has just published it.
    """
    alive = read_alive(store, partial)
    if alive is None and _whole(store, partial) is None:
        return None
    with contextlib.suppress(ArtifactError, FileNotFoundError):
        folder = RunFolder(store, store.claim(partial))
        record = _whole(store, folder.partial)
        if record is None and (alive := read_alive(store, folder.partial) or alive):
            record = _lost(alive, _settled(store, folder))
        if record is not None:
            # No target points to it: runs that began later may have ended before.
            folder.publish(record)
            folder.keep_gaps(record, _nodes(store, folder.path))
            return folder.path
    return None


def _settled(store: Store, folder: RunFolder) -> list[NodeRecord]:
    """The nodes that the record is to tell of; their lines are in the folder then."""
    nodes = _nodes(store, folder.partial)
    folder.keep_nodes(lines_of(nodes))
    with contextlib.suppress(ArtifactError):
        folder.put_nodes()
        return nodes
    # In a bucket the run itself, or another who recovers it, was quicker: what that put there counts.
    folder.keep_nodes(store.read_lines(folder.partial))
    return _nodes(store, folder.partial)


def _whole(store: Store, partial: str) -> RunRecord | None:
    """The record of a run that was killed just before its folder was renamed."""
    try:
        return read_record(store, partial)
    except (OSError, ConfigError):
        return None


def _nodes(store: Store, partial: str) -> list[NodeRecord]:
    try:
        return settle(fold(store.read_lines(partial), source=constants.NODES_FILE))
    except (FileNotFoundError, ConfigError):
        return []


def _lost(alive: Alive, nodes: list[NodeRecord]) -> RunRecord:
    started = alive.start.started_at
    ended = max([alive.at, *(node.finished_at for node in nodes if node.finished_at)])
    return RunRecord(
        **dict(alive.start),
        status=RunStatus.FAILED,
        exit_reason=ExitReason.LOST,
        error=f"The run was lost: nothing was heard of it after {alive.at:%Y-%m-%d %H:%M:%S} UTC.",
        counts=counts_of(nodes),
        failures=failures_of(nodes),
        finished_at=ended,
        seconds=round((ended - started).total_seconds(), 3),
    )
