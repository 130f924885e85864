"""What pathlib has no word for, on volumes and in buckets alike. Failures are the store's own (see failures)."""

import contextlib
import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from podbt.store.location import StorePath

_LOCK_SECONDS = 10.0
_EXCHANGES = 20


@dataclass(frozen=True)
class Entry:
    """A file: its path relative to where the walk began, its bytes, when it was last written."""

    path: str
    size: int
    modified: datetime


def read(path: StorePath) -> bytes:
    """A file's content. Raises FileNotFoundError where there is none."""
    if isinstance(path, Path):
        return path.read_bytes()
    from podbt.store import objects  # noqa: PLC0415 - for buckets alone

    return objects.read(path)


def write(path: StorePath, content: bytes, *, make_folder: bool = True) -> None:
    """Writes a file so that readers see the old or the new content, never a mix."""
    if not isinstance(path, Path):
        from podbt.store import objects  # noqa: PLC0415 - for buckets alone

        return objects.put(path, content)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(3).hex()}")
    if make_folder:
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        temporary.write_bytes(content)
        sync(temporary)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    return None


def create(path: StorePath, content: bytes) -> bool:
    """Writes a file unless there is one. Of several writers one succeeds."""
    if not isinstance(path, Path):
        from podbt.store import objects  # noqa: PLC0415 - for buckets alone

        return objects.create(path, content)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def modified(path: StorePath) -> datetime | None:
    """When a file was last written; None where there is none."""
    if isinstance(path, Path):
        return datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.exists() else None
    from podbt.store import objects  # noqa: PLC0415 - for buckets alone

    return objects.modified(path)


def exchange(path: StorePath, decide: Callable[[bytes | None], bytes | None]) -> bool:
    """Replaces a file depending on what it holds; of several writers each sees what the one before it wrote.

    Args:
        path: The file.
        decide: Gets its content (None: no such file), gives the new content or None to leave it. May be called again.

    Returns:
        Whether it was replaced.
    """
    if isinstance(path, Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_name(f".{path.name}.lock")):
            new = decide(path.read_bytes() if path.exists() else None)
            if new is not None:
                write(path, new)
            return new is not None
    from podbt.store import objects  # noqa: PLC0415 - for buckets alone

    for _ in range(_EXCHANGES):
        found = objects.read_version(path)
        new = decide(found[0] if found else None)
        if new is None:
            return False
        if objects.replace_version(path, new, found[1]) if found else objects.create(path, new):
            return True
    raise OSError(errno.EAGAIN, f"'{path}' is replaced by others all the time")


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


def walk(root: StorePath, under: str = "") -> Iterator[Entry]:
    """All files below a folder, in no order; paths are relative to root. Files that vanish meanwhile are left out."""
    top = root / under if under else root
    if not isinstance(top, Path):
        from podbt.store import objects  # noqa: PLC0415 - for buckets alone

        prefix = f"{under}/" if under else ""
        for name, size, modified in objects.walk(top):
            yield Entry(prefix + name, size, modified)
        return
    base = top.parents[under.count("/")] if under else top
    for folder, _, names in os.walk(top):
        for name in names:
            file = Path(folder, name)
            try:
                status = file.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            yield Entry(file.relative_to(base).as_posix(), status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def remove(path: StorePath) -> None:
    """Removes a file; one that is not there is fine."""
    if isinstance(path, Path):
        path.unlink(missing_ok=True)
        return
    from podbt.store import objects  # noqa: PLC0415 - for buckets alone

    objects.delete(path)


def copy(file: Path, path: StorePath) -> None:
    """Copies a local file into a folder of the store, over what is there."""
    if isinstance(path, Path):
        shutil.copyfile(file, path)
    else:
        write(path, file.read_bytes())


def sync(path: Path) -> None:
    """Makes a file or folder survive the machine."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
