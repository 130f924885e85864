"""The earlier tries of a task instance, as the artifact store has them."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from podbt import constants
from podbt.contract import layout
from podbt.contract.exits import ExitReason
from podbt.contract.journal import fold, settle
from podbt.contract.record import NodeRecord, RunIdentity, RunStart
from podbt.errors import ArtifactError
from podbt.store.alive import is_alive
from podbt.store.recover import recover
from podbt.store.runs import read_record
from podbt.store.store import Store

# try-2, and try-2.2 where the pod was replaced within the try; .claimed.partial where a recovery was killed.
_NAME = re.compile(r"^try-(?P<number>\d+)(?:\.(?P<again>\d+))?(?P<partial>(?:\.claimed)?\.partial)?$")
_WAIT_SECONDS = 60.0
"""Beyond the grace period: for a node that is slow to say that a pod is gone."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What an earlier try left.

    Attributes:
        path: Its folder in the store, as it is named once it is published.
        nodes: Each node once, those that never ended as interrupted.
        reason: Why it ended.
    """

    path: str
    start: RunStart
    nodes: list[NodeRecord]
    reason: ExitReason


def settle_earlier(
    store: Store,
    identity: RunIdentity,
    *,
    grace_seconds: float,
    alive: Callable[[Store, str], bool] = is_alive,
    clock: Callable[[], float] = time.monotonic,
) -> list[str]:
    """Publishes what earlier tries of this task instance left unpublished.

    Two pods of one task may overlap for as long as the first one takes to stop: then this waits.

    Args:
        store: The artifact store.
        identity: Whose earlier tries.
        grace_seconds: How long a run may take to stop.
        alive: Tells whether the run that writes to a folder still lasts.
        clock: For tests.

    Returns:
        The folders that were published.

    Raises:
        ArtifactError: An earlier try goes on and on.
    """
    published = []
    for folder in _earlier(store, identity):
        if not _is_unpublished(store, folder):
            continue
        deadline = clock() + grace_seconds + _WAIT_SECONDS
        while alive(store, folder):
            if clock() >= deadline:
                raise ArtifactError(
                    f"'{store}/{folder}' still grows: an earlier try of this task runs. Let it end, or delete its pod."
                )
        if (path := recover(store, folder)) is not None:
            published.append(path)
    return published


def latest(store: Store, identity: RunIdentity) -> Attempt | None:
    """The newest published try before this one that got as far as its nodes, or None.

    Raises:
        ConfigError: Its files are not what podbt writes.
    """
    for path in _earlier(store, identity):
        if path.endswith(layout.PARTIAL_SUFFIX):
            continue
        try:
            record = read_record(store, path)
        except FileNotFoundError:
            continue
        nodes_file = f"{path}/{constants.NODES_FILE}"
        nodes = fold(store.read(nodes_file), source=nodes_file)
        if record.database is None and not nodes:  # it ended before it took over what the one before it had done
            continue
        return Attempt(path=path, start=record, nodes=settle(nodes), reason=record.exit_reason)
    return None


def _is_unpublished(store: Store, folder: str) -> bool:
    """On a volume its name says so; in a bucket, where nothing is renamed, that run.json is not there yet."""
    return folder.endswith(layout.PARTIAL_SUFFIX) or store.modified(f"{folder}/{constants.RUN_FILE}") is None


def _earlier(store: Store, identity: RunIdentity) -> list[str]:
    """Folders of tries up to this one, the newest first. To be called before this try has one of its own."""
    task = PurePosixPath(layout.run_folder(identity)).parent
    found = filter(None, map(_NAME.match, store.children(str(task))))
    tries = [
        ((int(match["number"]), int(match["again"] or 1)), f"{task}/{match[0]}")
        for match in found
        if int(match["number"]) <= identity.try_number
    ]
    return [folder for _, folder in sorted(tries, key=lambda item: item[0], reverse=True)]
