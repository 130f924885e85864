"""An artifact store in a folder, usually a mounted volume.

The folder of a try is `try-N.partial` until it is published: then everything is synced to disk, and one rename makes it
`try-N`. Whoever recovers it renames it first, and its run's own writes then find no folder.
"""

import contextlib
import errno
import fcntl
import filecmp
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from podbt import constants
from podbt.contract import layout
from podbt.errors import ArtifactError
from podbt.store.store import Entry, TakenError, final_of

_LOCK_SECONDS = 10.0
_ROOM_BYTES = 32 * 1024 * 1024  # a run's records and logs fit in this; dbt's own scratch is elsewhere


@dataclass(frozen=True)
class Volume:
    """A store in a folder."""

    root: Path
    readers: int = 1

    def __str__(self) -> str:
        return str(self.root)

    @property
    def writable(self) -> bool:
        return self.root.is_dir() and os.access(self.root, os.W_OK)

    def check(self) -> None:
        if not self.root.is_dir():
            raise ArtifactError(f"Artifact store '{self}' does not exist. Mount the artifacts volume there.")
        if not os.access(self.root, os.W_OK):
            raise ArtifactError(
                f"Artifact store '{self}' is not writable by user {os.getuid()}, group {os.getgid()}. "
                "Give the pod the volume's group (fsGroup) or mount it read-write."
            )
        if shutil.disk_usage(self.root).free < _ROOM_BYTES:
            raise ArtifactError(
                f"Artifact store '{self}' has less than 32 MiB left. Prune old runs or enlarge the volume."
            )

    def contains(self, path: str) -> bool:
        """Follows links, too."""
        return ".." not in path.split("/") and (self.root / path).resolve().is_relative_to(self.root.resolve())

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def has_folder(self, path: str) -> bool:
        return (self.root / path).is_dir()

    def modified(self, path: str) -> datetime | None:
        try:
            return datetime.fromtimestamp((self.root / path).stat().st_mtime, UTC)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def children(self, path: str) -> list[str]:
        try:
            return [child.name for child in (self.root / path).iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def walk(self, under: str = "") -> Iterator[Entry]:
        for folder, _, names in os.walk(self.root / under):
            for name in names:
                file = Path(folder, name)
                try:
                    status = file.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                written = datetime.fromtimestamp(status.st_mtime, UTC)
                yield Entry(file.relative_to(self.root).as_posix(), status.st_size, written)

    def write(self, path: str, content: bytes, *, within: str | None = None) -> None:
        file = self.root / path
        if within is None:
            file.parent.mkdir(parents=True, exist_ok=True)
            _replace(file, content)
            return
        with self._inside(within):
            self._make_folders(file.parent, within)
            _replace(file, content)

    def create(self, path: str, content: bytes) -> bool:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with file.open("xb") as opened:
                opened.write(content)
        except FileExistsError:
            return False
        return True

    def exchange(self, path: str, decide: Callable[[bytes | None], bytes | None]) -> bool:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with _locked(file.with_name(f".{file.name}.lock")):
            new = decide(file.read_bytes() if file.exists() else None)
            if new is not None:
                self.write(path, new)
            return new is not None

    def copy(self, file: Path, path: str, *, within: str) -> None:
        """Not by replacement: what is copied into an unpublished folder is synced when that is published."""
        place = self.root / path
        with self._inside(within):
            self._make_folders(place.parent, within)
            shutil.copyfile(file, place)

    def remove(self, path: str) -> None:
        (self.root / path).unlink(missing_ok=True)

    def reserve(self, wanted: str) -> str:
        for number in count(1):
            final = self.root / (wanted if number == 1 else f"{wanted}.{number}")
            partial, claimed = _partial(final), _claimed(final)
            if final.exists() or claimed.exists():
                continue
            partial.parent.mkdir(parents=True, exist_ok=True)
            try:
                partial.mkdir()
            except FileExistsError:
                continue
            if final.exists() or claimed.exists():  # it was claimed between the two looks
                partial.rmdir()
                continue
            return partial.relative_to(self.root).as_posix()
        raise AssertionError("count() does not end")

    def lines(self, folder: str) -> "AppendedLines":
        return AppendedLines(self.root / folder / constants.NODES_FILE)

    def read_lines(self, folder: str) -> bytes:
        try:
            return self.read(f"{folder}/{constants.NODES_FILE}")
        except FileNotFoundError:
            return b""

    def is_taken(self, folder: str) -> bool:  # noqa: ARG002 - the next write finds no folder
        return False

    def claim(self, partial: str) -> str:
        place = self.root / partial
        claimed = _claimed(self.root / final_of(partial))
        return (place if place == claimed else place.rename(claimed)).relative_to(self.root).as_posix()

    def put_lines(self, partial: str, file: Path) -> bool:
        """By replacement: killed within it, the journal is still whole."""
        path = f"{partial}/{constants.NODES_FILE}"
        place = self.root / path
        if not (place.exists() and filecmp.cmp(file, place, shallow=False)):
            self.write(path, file.read_bytes(), within=partial)
        return True

    def commit(self, partial: str, record: bytes) -> None:
        path = final_of(partial)
        place, final = self.root / partial, self.root / path
        if place.exists() or not final.exists():
            self.write(f"{partial}/{constants.RUN_FILE}", record, within=partial)
            with self._inside(partial):
                (place / constants.ALIVE_FILE).unlink(missing_ok=True)
                for file in place.rglob("*"):
                    sync(file)
                sync(place)
                place.rename(final)
        elif self.read(f"{path}/{constants.RUN_FILE}") != record:
            raise TakenError(str(final))
        sync(final.parent)

    def tidy(self, published: str) -> None:
        """Nothing: alive.json went before the folder was renamed."""

    def discard(self, folder: str, names: list[str]) -> None:  # noqa: ARG002 - the folder goes whole
        """Renames before removing: a reader that comes later finds nothing, and not half a run."""
        place = self.root / folder
        if not place.name.endswith(layout.REMOVED_SUFFIX):
            try:
                place = place.rename(place.with_name(place.name + layout.REMOVED_SUFFIX))
            except FileNotFoundError:
                return
        shutil.rmtree(place)

    def sweep(self) -> None:
        """Folders of DAGs, runs and tasks that hold nothing any more. One in which a run begins just now stays."""
        for pattern in ("*/*/*", "*/*", "*"):
            for folder in (self.root / layout.RUNS).glob(pattern):
                if folder.is_dir() and not any(folder.iterdir()):
                    with contextlib.suppress(OSError):
                        folder.rmdir()

    def _make_folders(self, folder: Path, within: str) -> None:
        """Those within the folder of a try; not that itself, which is gone where somebody took its run for dead."""
        place = self.root / within
        for part in folder.relative_to(place).parts:
            place /= part
            place.mkdir(exist_ok=True)

    @contextlib.contextmanager
    def _inside(self, folder: str) -> Iterator[None]:
        """Tells of a folder that is gone, which stays so, from whatever else is not there."""
        try:
            yield
        except FileNotFoundError:
            if (self.root / folder).exists():
                raise
            raise TakenError(str(self.root / final_of(folder))) from None


class AppendedLines:
    """nodes.jsonl as it grows. A delivery that failed half-way is cut off before it is repeated."""

    pause_seconds = 0.0

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o664)
        self._size = os.fstat(self._handle).st_size

    def deliver(self, lines: bytes) -> None:
        try:
            write_all(self._handle, lines)
        except OSError:
            os.ftruncate(self._handle, self._size)
            raise
        self._size += len(lines)

    def close(self) -> None:
        os.close(self._handle)


def write_all(handle: int, content: bytes) -> None:
    """A file system that runs full takes a part first, and refuses only the rest."""
    while content:
        content = content[os.write(handle, content) :]


def sync(path: Path) -> None:
    """Makes a file or folder survive the machine."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _replace(file: Path, content: bytes) -> None:
    temporary = file.with_name(f".{file.name}.{os.getpid()}.{os.urandom(3).hex()}")
    try:
        temporary.write_bytes(content)
        sync(temporary)
        temporary.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds a lock that a killed process gives back. A volume without locks is used without."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664)
    try:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno in {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS}:
                    break
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                break
        yield
    finally:
        os.close(handle)


def _partial(final: Path) -> Path:
    return final.with_name(final.name + layout.PARTIAL_SUFFIX)


def _claimed(final: Path) -> Path:
    return final.with_name(final.name + layout.CLAIMED_SUFFIX + layout.PARTIAL_SUFFIX)
