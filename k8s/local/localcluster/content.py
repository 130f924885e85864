"""What goes into an image: files gathered by name, one hash of them, and the archive that Docker reads."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from localcluster.shell import LocalError

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

HASH_LENGTH = 12
# Built, fetched or personal: never part of an image.
SKIPPED_FOLDERS = frozenset(
    {".git", ".idea", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv", ".vscode", "venv", "__pycache__"}
)
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

    def add_folder(self, name: str, folder: Path, *, skipped: Container[str] = ()) -> None:
        """Add a folder's files; `skipped` names files and folders to leave out, wherever they are.

        Raises:
            LocalError: The folder is not there, or empty.
        """
        before = len(self.files)
        for path in _walk(folder, skipped):
            self.files[f"{name}/{path.relative_to(folder).as_posix()}"] = path
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


def _walk(folder: Path, skipped: Container[str]) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(one for one in folders if one not in SKIPPED_FOLDERS and one not in skipped)
        for name in sorted(files):
            if name not in skipped and not name.endswith((".pyc", "~", ".swp")):
                yield Path(parent, name)


def _read(source: Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()


def _mode(source: Path | bytes) -> int:
    return 0o755 if isinstance(source, Path) and os.access(source, os.X_OK) else 0o644
