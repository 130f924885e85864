"""What goes into an image: files gathered by name, one hash of them, and the archive that Docker reads."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from localcluster.shell import LocalError

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

HASH_LENGTH = 12
# Built, fetched or personal: never part of an image, wherever it is.
SKIPPED = frozenset(
    {
        ".git", ".idea", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv", ".vscode", "__pycache__",
        ".DS_Store", ".env", ".user.yml",
    }
)  # fmt: skip
SKIPPED_SUFFIXES = (".pyc", "~", ".swp")
EDITORS_LOCK = ".#"  # a symbolic link to nothing
VIRTUAL_ENVIRONMENT = "pyvenv.cfg"  # the file that makes a folder of any name one
# 1980: the oldest that every archive format knows. Fixed, so that the same files make the same layers.
MODIFIED = 315_532_800


@dataclass
class Content:
    """Files of an image's build context: name there -> file here, or its bytes."""

    files: dict[str, Path | bytes] = field(default_factory=dict)

    def add(self, name: str, source: Path | bytes) -> None:
        """Add one file.

        Raises:
            LocalError: The file is not there.
        """
        if isinstance(source, Path) and not source.is_file():
            raise LocalError(f"{source} is missing, and an image needs it.")
        self.files[name] = source

    def add_folder(self, name: str, folder: Path, *, without: Container[str] = ()) -> None:
        """Add a folder's files, and those that symbolic links in it lead to.

        Args:
            name: The folder's name in the context; "" for its root.
            folder: The folder here.
            without: Paths in it, of files and folders that stay out.

        Raises:
            LocalError: The folder is not there or empty, or a link in it leads to nothing or round in a circle.
        """
        before = len(self.files)
        for path, relative in _walk(folder, without):
            self.files[(PurePosixPath(name) / relative).as_posix()] = path
        if len(self.files) == before:
            raise LocalError(f"{folder} is missing or empty, and an image needs it.")

    def digest(self, *more: str, without: Container[str] = ()) -> str:
        """Return a short hash of the files' names, contents and whether they are executable, and of `more`."""
        total = hashlib.sha256(repr(more).encode())
        for name, source in sorted(self.files.items()):
            if name in without:
                continue
            total.update(f"{name}\0{_mode(source):o}\0{hashlib.sha256(_read(source)).hexdigest()}\n".encode())
        return total.hexdigest()[:HASH_LENGTH]

    def archive(self, out: IO[bytes]) -> None:
        """Write the files as a tar archive, the same bytes for the same files."""
        with tarfile.open(fileobj=out, mode="w") as archive:
            for name, source in sorted(self.files.items()):
                data = _read(source)
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode, entry.mtime = len(data), _mode(source), MODIFIED
                archive.addfile(entry, io.BytesIO(data))


def _walk(folder: Path, without: Container[str]) -> Iterator[tuple[Path, str]]:
    """Yield files with their paths in the folder. dbt follows symbolic links, too; an image has none."""

    def walk(place: Path, relative: PurePosixPath, above: frozenset[str]) -> Iterator[tuple[Path, str]]:
        for path in sorted(place.iterdir()):
            name = relative / path.name
            if path.name in SKIPPED or path.name.endswith(SKIPPED_SUFFIXES) or name.as_posix() in without:
                continue
            if path.is_dir():
                real = os.path.realpath(path)
                if real in above:
                    raise LocalError(f"{path} is a symbolic link to a folder that it lies in: remove it.")
                if not (path / VIRTUAL_ENVIRONMENT).exists():
                    yield from walk(path, name, above | {real})
            elif path.is_file():
                yield path, name.as_posix()
            elif path.is_symlink() and not path.name.startswith(EDITORS_LOCK):
                raise LocalError(f"{path} is a symbolic link to nothing ({path.readlink()}): mend or remove it.")

    if folder.is_dir():
        yield from walk(folder, PurePosixPath(), frozenset({os.path.realpath(folder)}))


def _read(source: Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()


def _mode(source: Path | bytes) -> int:
    return 0o755 if isinstance(source, Path) and os.access(source, os.X_OK) else 0o644
