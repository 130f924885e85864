"""Finds and reads runs in the store."""

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from podbt import constants
from podbt.contract import layout
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.record import NodeRecord, RunRecord
from podbt.contract.runs import Run
from podbt.contract.state import Pointer
from podbt.errors import ConfigError
from podbt.store import files
from podbt.store.failures import refused, store_errors
from podbt.store.location import StorePath

_RUN_DEPTH = 5  # runs/<dag_id>/<run_id>/<task_id>/try-<n>
_READERS = 16  # at the same time: a request to a bucket is mostly waiting
_NUMBERED = re.compile(r"^\d+\.jsonl$")


@dataclass(frozen=True)
class Folder:
    """The files of one try, by name relative to it.

    Attributes:
        path: The folder, relative to the store's root.
    """

    path: str
    entries: dict[str, files.Entry] = field(default_factory=dict)

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


def folders(root: StorePath, dag: str | None = None, run: str | None = None) -> list[Folder]:
    """Every try in the store that has a file, published or not.

    Args:
        root: Root of the artifact store.
        dag: Only tries of this DAG.
        run: Only tries of this run of the DAG.

    Raises:
        ArtifactError: The store cannot be read.
    """
    under = "/".join([layout.RUNS, *(layout.folder_name(name) for name in (dag, run) if name)])
    found: dict[str, Folder] = {}
    try:
        for entry in files.walk(root, under):
            parts = entry.path.split("/")
            if len(parts) > _RUN_DEPTH:
                path, name = "/".join(parts[:_RUN_DEPTH]), "/".join(parts[_RUN_DEPTH:])
                found.setdefault(path, Folder(path)).entries[name] = entry
    except store_errors() as error:
        raise refused("read", root, error) from None
    return list(found.values())


def read_record(folder: StorePath, name: str | None = None) -> RunRecord:
    """The record of a run, which is there once the run is published. All who read one read it here.

    Args:
        folder: The run's folder.
        name: What an error is to call the folder; None where the caller says it.

    Raises:
        FileNotFoundError: The folder has none.
        ConfigError: It is damaged, or of another version of podbt.
        Exception: The store's own, see `podbt.store.failures`.
    """
    source = f"{name}/{constants.RUN_FILE}" if name else constants.RUN_FILE
    return RunRecord.parse_json(files.read(folder / constants.RUN_FILE), source=source)


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
    root: StorePath,
    *,
    dag: str | None = None,
    target: str | None = None,
    status: str | None = None,
    limit: int | None = None,
    tell: Callable[[Unreadable], None] = lambda _: None,
) -> list[Listed]:
    """Published runs, the newest first.

    Args:
        root: Root of the artifact store.
        dag: Only runs of this DAG.
        target: Only runs on this target.
        status: Only runs with this status ("success", "failed") or exit reason.
        limit: At most so many.
        tell: Given each run whose record cannot be read. It is not listed, and the others are.

    Raises:
        ArtifactError: The store cannot be read.
    """
    published = [folder for folder in folders(root, dag) if folder.published]
    published.sort(key=lambda folder: folder.entries[constants.RUN_FILE].modified, reverse=True)
    best: list[Listed] = []
    for chunk in _chunks(published, _READERS * 2):
        # A record is written after its run ended, so whatever was written earlier ended earlier still.
        written = chunk[0].entries[constants.RUN_FILE].modified
        if limit is not None and len(best) >= limit and best[limit - 1].record.finished_at > written:
            break
        best += [
            run
            for run in read_records(root, chunk, tell)
            if (target is None or run.record.target == target)
            and (status is None or status in {run.record.status, run.record.exit_reason})
        ]
        best.sort(key=lambda run: (run.record.finished_at, run.path), reverse=True)
    return best[:limit]


def read_records(
    root: StorePath, wanted: Iterable[Folder], tell: Callable[[Unreadable], None] = lambda _: None
) -> list[Listed]:
    """The records of published folders. One that is removed meanwhile is left out.

    Args:
        root: Root of the artifact store.
        wanted: The folders.
        tell: Given each run whose record cannot be read; it is left out, too.

    Raises:
        ArtifactError: The store cannot be read.
    """

    def read(folder: Folder) -> Listed | Unreadable | None:
        try:
            return Listed(folder.path, read_record(root / folder.path))
        except FileNotFoundError:
            return None
        except ConfigError as error:
            return Unreadable(folder.path, str(error))
        except store_errors() as error:
            raise refused("read", root / folder.path / constants.RUN_FILE, error) from None

    if isinstance(root, Path):
        found = [read(folder) for folder in wanted]
    else:
        with ThreadPoolExecutor(_READERS) as pool:
            found = list(pool.map(read, wanted))
    for one in found:
        if isinstance(one, Unreadable):
            tell(one)
    return [one for one in found if isinstance(one, Listed)]


def _chunks(items: list[Folder], size: int) -> Iterator[list[Folder]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def read_run(root: StorePath, name: str) -> Run:
    """Reads one run.

    Args:
        root: Root of the artifact store.
        name: The run's folder relative to it, or "latest".

    Raises:
        ArtifactError: The store cannot be read.
        ConfigError: There is no such run, or its files are not what podbt writes.
    """
    path = _latest(root) if name == "latest" else name.strip("/")
    if ".." in path.split("/") or (isinstance(root, Path) and not _inside(root, path)):
        raise ConfigError(f"'{name}' is not inside the artifact store '{root}'.")
    folder = root / path
    try:
        lines = journal(folder).splitlines()
        record = read_record(folder)
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(f"No run at '{path}' in '{root}'. `podbt runs list` tells which there are.") from None
    except ConfigError as error:
        raise ConfigError(f"Run {Unreadable(path, str(error))}.") from None
    except store_errors() as error:
        raise refused("read", folder, error) from None
    return Run(
        path=path,
        record=record,
        nodes=[NodeRecord.parse_json(line, source=f"{path}/{constants.NODES_FILE}") for line in lines if line.strip()],
    )


def journal(folder: StorePath) -> bytes:
    """What a run's journal holds: nodes.jsonl, or the objects that stand for it in a bucket until it is published."""
    try:
        return files.read(folder / constants.NODES_FILE)
    except FileNotFoundError:
        if isinstance(folder, Path):
            return b""
    pieces = folder / constants.NODES_FOLDER
    names = sorted(entry.path for entry in files.walk(pieces) if _NUMBERED.match(entry.path))
    return b"".join(files.read(pieces / name) for name in names)


def _inside(root: Path, path: str) -> bool:
    return (root / path).resolve().is_relative_to(root.resolve())


def _latest(root: StorePath) -> str:
    """The run that the newest of all targets' pointers names."""
    newest: tuple[datetime, str] | None = None
    try:
        for entry in files.walk(root, layout.TARGETS):
            if entry.path.endswith(f"/{layout.LATEST}"):
                pointer = Pointer.parse_json(files.read(root / entry.path), source=entry.path)
                candidate = (pointer.finished_at, pointer.run)
                newest = max(newest, candidate) if newest else candidate
    except store_errors() as error:
        raise refused("read", root / layout.TARGETS, error) from None
    if newest is None:
        raise ConfigError(f"No run has been published in '{root}' yet.")
    return newest[1]


STATUSES = tuple(dict.fromkeys(map(str, (RunStatus.SUCCESS, RunStatus.FAILED, *ExitReason))))
