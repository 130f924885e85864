"""Finds and reads runs in the store."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from podbt import constants
from podbt.contract import layout
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.record import NodeRecord, RunRecord
from podbt.contract.runs import Run
from podbt.contract.state import Pointer
from podbt.errors import ConfigError
from podbt.store.failures import refused, store_errors
from podbt.store.store import Entry, Store

_RUN_DEPTH = 5  # runs/<dag_id>/<run_id>/<task_id>/try-<n>
_CHUNK = 32  # records that are read before the limit is looked at


@dataclass(frozen=True)
class Folder:
    """The files of one try, by name relative to it.

    Attributes:
        path: The folder, relative to the store's root.
    """

    path: str
    entries: dict[str, Entry] = field(default_factory=dict)

    @property
    def task(self) -> tuple[str, str]:
        """The names of the DAG's and the task's folder: tries of one task share them."""
        _, dag, _, task, _ = self.path.split("/")
        return dag, task

    @property
    def removed(self) -> bool:
        return self.path.endswith(layout.REMOVED_SUFFIX) or layout.REMOVED_SUFFIX in self.entries

    @property
    def published(self) -> bool:
        whole = constants.RUN_FILE in self.entries and not self.path.endswith(layout.PARTIAL_SUFFIX)
        return whole and not self.removed

    @property
    def touched(self) -> datetime:
        """When any of its files was last written: a run that lives writes every few seconds."""
        return max(entry.modified for entry in self.entries.values())

    @property
    def size(self) -> int:
        return sum(entry.size for entry in self.entries.values())


def folders(store: Store, dag: str | None = None, run: str | None = None) -> list[Folder]:
    """Every try in the store that has a file, published or not.

    Args:
        store: The artifact store.
        dag: Only tries of this DAG.
        run: Only tries of this run of the DAG.

    Raises:
        ArtifactError: The store cannot be read.
    """
    under = "/".join([layout.RUNS, *(layout.folder_name(name) for name in (dag, run) if name)])
    found: dict[str, Folder] = {}
    try:
        for entry in store.walk(under):
            parts = entry.path.split("/")
            if len(parts) > _RUN_DEPTH:
                path, name = "/".join(parts[:_RUN_DEPTH]), "/".join(parts[_RUN_DEPTH:])
                found.setdefault(path, Folder(path)).entries[name] = entry
    except store_errors() as error:
        raise refused("read", store, error) from None
    return list(found.values())


def read_record(store: Store, run: str, *, alone: bool = False) -> RunRecord:
    """The record of a run, which is there once the run is published. All who read one read it here.

    Args:
        store: The artifact store.
        run: The run's folder.
        alone: Whether an error names the file alone, since the caller says whose it is.

    Raises:
        FileNotFoundError: The folder has none.
        ConfigError: It is damaged, or of another version of podbt.
        Exception: The store's own, see `podbt.store.failures`.
    """
    path = f"{run}/{constants.RUN_FILE}"
    return RunRecord.parse_json(store.read(path), source=constants.RUN_FILE if alone else path)


@dataclass(frozen=True)
class Listed:
    """A published run without its nodes."""

    path: str
    record: RunRecord


@dataclass(frozen=True)
class Unreadable:
    """A published run whose record this podbt cannot read: damaged, or of another version of podbt."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"'{self.path}' is unreadable, damaged or of another version of podbt ({self.why})"


def list_runs(
    store: Store,
    *,
    dag: str | None = None,
    target: str | None = None,
    status: str | None = None,
    limit: int | None = None,
    tell: Callable[[Unreadable], None] = lambda _: None,
) -> list[Listed]:
    """Published runs, the newest first.

    Args:
        store: The artifact store.
        dag: Only runs of this DAG.
        target: Only runs on this target.
        status: Only runs with this status ("success", "failed") or exit reason.
        limit: At most so many.
        tell: Given each run whose record cannot be read. It is not listed, and the others are.

    Raises:
        ArtifactError: The store cannot be read.
    """
    published = [folder for folder in folders(store, dag) if folder.published]
    published.sort(key=lambda folder: folder.entries[constants.RUN_FILE].modified, reverse=True)
    best: list[Listed] = []
    for chunk in _chunks(published, _CHUNK):
        # A record is written after its run ended, so whatever was written earlier ended earlier still.
        written = chunk[0].entries[constants.RUN_FILE].modified
        if limit is not None and len(best) >= limit and best[limit - 1].record.finished_at > written:
            break
        best += [
            run
            for run in read_records(store, chunk, tell)
            if (target is None or run.record.target == target)
            and (status is None or status in {run.record.status, run.record.exit_reason})
        ]
        best.sort(key=lambda run: (run.record.finished_at, run.path), reverse=True)
    return best[:limit]


def read_records(
    store: Store, wanted: Iterable[Folder], tell: Callable[[Unreadable], None] = lambda _: None
) -> list[Listed]:
    """The records of published folders. One that is removed meanwhile is left out.

    Args:
        store: The artifact store.
        wanted: The folders.
        tell: Given each run whose record cannot be read; it is left out, too.

    Raises:
        ArtifactError: The store cannot be read.
    """

    def read(folder: Folder) -> Listed | Unreadable | None:
        try:
            return Listed(folder.path, read_record(store, folder.path, alone=True))
        except FileNotFoundError:
            return None
        except ConfigError as error:
            return Unreadable(folder.path, str(error))
        except store_errors() as error:
            raise refused("read", f"{store}/{folder.path}/{constants.RUN_FILE}", error) from None

    if store.readers == 1:  # a thread for one costs more than it saves
        found = [read(folder) for folder in wanted]
    else:
        with ThreadPoolExecutor(store.readers) as pool:
            found = list(pool.map(read, wanted))
    for one in found:
        if isinstance(one, Unreadable):
            tell(one)
    return [one for one in found if isinstance(one, Listed)]


def _chunks(items: list[Folder], size: int) -> Iterator[list[Folder]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def read_run(store: Store, name: str) -> Run:
    """Reads one run.

    Args:
        store: The artifact store.
        name: The run's folder relative to it, or "latest".

    Raises:
        ArtifactError: The store cannot be read.
        ConfigError: There is no such run, or its files are not what podbt writes.
    """
    path = _latest(store) if name == "latest" else name.strip("/")
    if not store.contains(path):
        raise ConfigError(f"'{name}' is not inside the artifact store '{store}'.")
    try:
        lines = store.read_lines(path).splitlines()
        record = read_record(store, path, alone=True)
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(f"No run at '{path}' in '{store}'. `podbt runs list` tells which there are.") from None
    except ConfigError as error:
        raise ConfigError(f"Run {Unreadable(path, str(error))}.") from None
    except store_errors() as error:
        raise refused("read", f"{store}/{path}", error) from None
    return Run(
        path=path,
        record=record,
        nodes=[NodeRecord.parse_json(line, source=f"{path}/{constants.NODES_FILE}") for line in lines if line.strip()],
    )


def _latest(store: Store) -> str:
    """The run that the newest of all targets' pointers names."""
    newest: tuple[datetime, str] | None = None
    try:
        for entry in store.walk(layout.TARGETS):
            if entry.path.endswith(f"/{layout.LATEST}"):
                pointer = Pointer.parse_json(store.read(entry.path), source=entry.path)
                candidate = (pointer.finished_at, pointer.run)
                newest = max(newest, candidate) if newest else candidate
    except store_errors() as error:
        raise refused("read", f"{store}/{layout.TARGETS}", error) from None
    if newest is None:
        raise ConfigError(f"No run has been published in '{store}' yet.")
    return newest[1]


STATUSES = tuple(dict.fromkeys(map(str, (RunStatus.SUCCESS, RunStatus.FAILED, *ExitReason))))
