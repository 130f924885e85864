"""Publishes a run whole or not at all.

A run's folder is `try-N.partial` while it is written. run.json comes last, everything is synced to disk, then one
rename makes it `try-N`. A reader that sees the folder sees all of it.
"""

import hashlib
import json
import os
import shutil
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Self

from podbt import constants
from podbt.contract import layout
from podbt.contract.record import RunIdentity, RunRecord, to_json
from podbt.contract.state import Pointer
from podbt.errors import ArtifactError
from podbt.runner.redact import Redactor

# In a manifest these differ from run to run of the same project; leaving them out lets equal manifests be one file.
_VOLATILE = ("generated_at", "invocation_id", "invocation_started_at", "run_started_at", "user_id")


class RunFolder:
    """The folder of one try, from `.partial` to published."""

    def __init__(self, root: Path, partial: Path) -> None:
        self._root = root
        self.partial = partial
        self._final = partial.with_name(partial.name.removesuffix(layout.PARTIAL_SUFFIX))

    @classmethod
    def reserve(cls, root: Path, identity: RunIdentity) -> Self:
        """Makes the folder.

        Raises:
            ArtifactError: It cannot be made.
        """
        wanted = root / layout.run_folder(identity)
        try:
            wanted.parent.mkdir(parents=True, exist_ok=True)
            return cls(root, _reserve(wanted))
        except OSError as error:
            raise _refused(wanted, error) from None

    @property
    def path(self) -> str:
        """The published folder, relative to the store's root."""
        return PurePosixPath(self._final.relative_to(self._root)).as_posix()

    def write(self, name: str, content: bytes) -> None:
        """Replaces one file of the folder so that readers see the old or the new content.

        Raises:
            FileNotFoundError: The folder is gone: somebody took this run for dead and published what it had.
            OSError: The store does not take it.
        """
        path = self.partial / name
        if path.parent != self.partial:
            path.parent.mkdir(exist_ok=True)  # not the folder itself
        _swap(path, content)

    def add(self, files: list[Path], redactor: Redactor) -> None:
        """Copies files into the folder, without secrets."""
        try:
            for file in files:
                copy = self.partial / file.name
                shutil.copyfile(file, copy)
                redactor.file(copy)
        except OSError as error:
            raise _refused(self.partial, error) from None

    def add_manifest(self, manifest: Path, redactor: Redactor) -> str:
        """Stores a manifest once by the hash of its content.

        Returns:
            Its path in the store.
        """
        redactor.file(manifest)
        text = manifest.read_bytes()
        data = json.loads(text)
        for key in _VOLATILE:
            data.get("metadata", {}).pop(key, None)
        path = layout.manifest_path(hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest())
        if not (self._root / path).exists():
            _replace(self._root / path, text)
        return path

    def publish(self, record: RunRecord, *, pointers: bool) -> None:
        """Writes run.json, syncs, renames, and moves the target's pointers where the run is one to point to."""
        try:
            self.write(constants.RUN_FILE, _json(to_json(record)))
            (self.partial / constants.ALIVE_FILE).unlink(missing_ok=True)
            for file in self.partial.iterdir():
                _sync(file)
            _sync(self.partial)
            self.partial.rename(self._final)
            _sync(self._final.parent)
        except OSError as error:
            raise _refused(self._final, error) from None
        if pointers and record.target:
            pointer = Pointer(run=self.path, finished_at=record.finished_at)
            self.point(record.target, layout.LATEST, pointer)
            if record.exit_reason.succeeded:
                self.point(record.target, layout.LATEST_SUCCESS, pointer)

    def point(self, target: str, name: str, pointer: Pointer) -> None:
        """Moves one of a target's pointers, atomically."""
        _replace(self._root / layout.target_pointer(target, name), _json(to_json(pointer)))


def _reserve(wanted: Path) -> Path:
    """The first of try-1, try-1.2 … that nobody has: a pod replaced within one try keeps the first's journal."""
    for number in count(1):
        final = wanted if number == 1 else wanted.with_name(f"{wanted.name}.{number}")
        partial = final.with_name(final.name + layout.PARTIAL_SUFFIX)
        if final.exists():
            continue
        try:
            partial.mkdir()
        except FileExistsError:
            continue
        return partial
    raise AssertionError("count() does not end")


def _replace(path: Path, content: bytes) -> None:
    """As _swap, where the folder may not exist yet."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _swap(path, content)
    except OSError as error:
        raise _refused(path, error) from None


def _swap(path: Path, content: bytes) -> None:
    """Replaces a file so that readers see the old or the new content, never a mix."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(3).hex()}")
    try:
        temporary.write_bytes(content)
        _sync(temporary)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _json(data: object) -> bytes:
    return json.dumps(data, indent=1).encode() + b"\n"


def _refused(path: Path, error: OSError) -> ArtifactError:
    return ArtifactError(f"Artifacts could not be written to '{path}': {error.strerror}. Free space or fix the volume.")
