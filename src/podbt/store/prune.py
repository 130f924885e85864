"""Removes old runs and what only they used, while others write.

What stays, whatever its age: the newest runs of each task, every run and file that a pointer names, every run that
lives. Removing a run can stop anywhere: readers see it whole or not at all, and the next prune goes on with it.

A run whose record cannot be read (damaged, or of a newer podbt) says neither when it ended nor which manifest it used.
Its files' own time stands for the first, by age and by count as for any run; it takes no readable run's place among the
newest. For the second: while it stays, no manifest goes that was stored or renewed since it was published.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from podbt.contract import layout
from podbt.errors import ConfigError
from podbt.store.failures import refused, store_errors
from podbt.store.runs import Folder, Listed, Unreadable, folders, read_records
from podbt.store.store import Store


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How long runs stay.

    Attributes:
        keep_days: Younger runs stay.
        keep_count: So many newest runs of each task stay, however old.
        abandoned_after: A run that was not published and has written nothing for so long is dead. A live one writes
            every few seconds.
    """

    keep_days: float
    keep_count: int
    abandoned_after: timedelta = timedelta(hours=1)


@dataclass(frozen=True)
class Removal:
    """Something to remove: a run's folder or a manifest."""

    path: str
    why: str
    size: int
    names: list[str] = field(default_factory=list)


def plan(
    store: Store,
    policy: Policy,
    now: datetime | None = None,
    tell: Callable[[Unreadable], None] = lambda _: None,
) -> list[Removal]:
    """What a prune would remove, runs first.

    Args:
        store: The artifact store.
        policy: How long runs stay.
        now: For tests.
        tell: Given each run whose record cannot be read.

    Raises:
        ArtifactError: The store cannot be read.
        ConfigError: A pointer is not what podbt writes.
    """
    now = now or datetime.now(UTC)
    # Pointers before runs: one that moves meanwhile names a younger run than any that is removed.
    pointed = _pointed(store)
    present = folders(store)
    kept_forever = {name for name in pointed if name.startswith(f"{layout.RUNS}/")}
    unreadable: set[str] = set()

    def take_note(run: Unreadable) -> None:
        unreadable.add(run.path)
        tell(run)

    published = [one for one in present if one.published]
    records = {run.path: run for run in read_records(store, published, take_note)}
    doomed: list[Removal] = []
    dead = now - max(policy.abandoned_after, timedelta(days=policy.keep_days))
    for folder in present:
        if folder.removed:
            doomed.append(_removal(folder, "its removal was cut short"))
        elif not folder.published and folder.touched < dead:
            doomed.append(_removal(folder, "never published"))
    old = now - timedelta(days=policy.keep_days)
    for runs in _by_task(published, records, unreadable).values():
        for ended, folder in _beyond(runs, policy.keep_count, unreadable):
            protected = any(name == folder.path or name.startswith(f"{folder.path}/") for name in kept_forever)
            if not protected and ended < old:
                why = "unreadable, last written" if folder.path in unreadable else "finished"
                doomed.append(_removal(folder, f"{why} {ended:%Y-%m-%d}"))
    going = {removal.path for removal in doomed}
    used = pointed | {run.record.manifest for path, run in records.items() if path not in going and run.record.manifest}
    silent = (one.touched for one in published if one.path in unreadable - going)
    return [*doomed, *_manifests(store, used, before=min([now, *silent]) - layout.MANIFEST_GRACE)]


def remove(store: Store, removals: list[Removal], tell: Callable[[Removal], None] = lambda _: None) -> int:
    """Removes what was planned.

    Returns:
        The bytes that were freed.

    Raises:
        ArtifactError: The store refused; what was told until then is gone.
    """
    freed = 0
    for removal in removals:
        try:
            if removal.path.startswith(f"{layout.MANIFESTS}/"):
                if not _remove_manifest(store, removal.path):
                    continue
            else:
                store.discard(removal.path, removal.names)
        except store_errors() as error:
            raise refused("removed", f"{store}/{removal.path}", error) from None
        freed += removal.size
        tell(removal)
    store.sweep()
    return freed


def _removal(folder: Folder, why: str) -> Removal:
    return Removal(folder.path, why, folder.size, list(folder.entries))


def _by_task(
    published: list[Folder], records: dict[str, Listed], unreadable: set[str]
) -> dict[tuple[str, str], list[tuple[datetime, Folder]]]:
    """The published runs of each task with the time when they ended, the newest first."""
    tasks: dict[tuple[str, str], list[tuple[datetime, Folder]]] = defaultdict(list)
    for folder in published:
        if folder.path in records:
            tasks[folder.task].append((records[folder.path].record.finished_at, folder))
        elif folder.path in unreadable:
            tasks[folder.task].append((folder.touched, folder))
    for runs in tasks.values():
        runs.sort(key=lambda item: item[0], reverse=True)
    return tasks


def _beyond(runs: list[tuple[datetime, Folder]], count: int, unreadable: set[str]) -> Iterator[tuple[datetime, Folder]]:
    """Those behind the newest of a task. An unreadable one is behind others, and puts no other behind itself."""
    readable = 0
    for place, (ended, folder) in enumerate(runs):
        is_readable = folder.path not in unreadable
        if (readable if is_readable else place) >= count:
            yield ended, folder
        readable += is_readable


def _pointed(store: Store) -> set[str]:
    """Every path in the store that any pointer of any target names, under whatever key."""
    named: set[str] = set()
    try:
        for entry in store.walk(layout.TARGETS):
            if entry.path.endswith(".json") and not entry.path.rsplit("/", 1)[-1].startswith("."):
                named.update(_texts(_decoded(store.read(entry.path), entry.path)))
    except store_errors() as error:
        raise refused("read", f"{store}/{layout.TARGETS}", error) from None
    return named


def _decoded(content: bytes, source: str) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        raise ConfigError(f"'{source}' is no JSON, so what it keeps is not known. Restore or remove it.") from None


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for item in data.values() if isinstance(data, dict) else data:
            yield from _texts(item)


def _manifests(store: Store, used: set[str], *, before: datetime) -> Iterator[Removal]:
    """Manifests that no run and no pointer names. A young one may belong to a run that is being published."""
    try:
        for entry in store.walk(layout.MANIFESTS):
            if entry.path not in used and entry.modified < before:
                yield Removal(entry.path, "no run names it", entry.size)
    except store_errors() as error:
        raise refused("read", f"{store}/{layout.MANIFESTS}", error) from None


def _remove_manifest(store: Store, path: str) -> bool:
    """Looks at its age once more: whoever publishes an equal manifest renews the age before naming it."""
    modified = store.modified(path)
    if modified is None or modified > datetime.now(UTC) - layout.MANIFEST_GRACE:
        return False
    store.remove(path)
    return True
