"""Publishes a run whole or not at all.

run.json comes last: a reader that finds it finds all the rest. How the store sees to that, and that nobody else
publishes the same folder, is its own matter (see `volume` and `bucket`).
"""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

from podbt import constants
from podbt.contract import layout
from podbt.contract.record import NodeRecord, RunIdentity, RunRecord, to_json
from podbt.contract.state import Pointer
from podbt.errors import ArtifactError
from podbt.store.failures import Patience, refused, store_errors
from podbt.store.gaps import keep_gaps
from podbt.store.manifests import identity_of
from podbt.store.pointers import advance
from podbt.store.runs import read_record
from podbt.store.sink import StoreSink
from podbt.store.store import Store, TakenError, final_of

_PATIENCE_SECONDS = 45.0
_WRITERS = 8


T = TypeVar("T")


class RunFolder:
    """The folder of one try, until it is published.

    Attributes:
        store: The artifact store.
        path: The published folder.
        partial: Where the run's files lie until then.
        kept: A local folder with a copy of all that is to be published; it stays when publishing fails.
        notes: What did not work although the run is published, a line each.
    """

    def __init__(
        self,
        store: Store,
        partial: str,
        *,
        scratch: Path | None = None,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        """Takes a folder that is there.

        Args:
            store: The artifact store.
            partial: The folder.
            scratch: Where the local copy goes; a temporary folder by default.
            patience_seconds: How long a failing store is tried again, over all of the publication.
        """
        self.store = store
        self.partial = partial
        self.path = final_of(partial)
        self._has_nodes = False
        self._patience_seconds = patience_seconds
        self._patience = Patience(patience_seconds)
        self._later_patience = Patience(patience_seconds)
        self.notes: list[str] = []
        self.kept = Path(tempfile.mkdtemp(prefix="publish-", dir=scratch))

    @classmethod
    def reserve(
        cls,
        store: Store,
        identity: RunIdentity,
        *,
        scratch: Path | None = None,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> Self:
        """Makes the folder of a try.

        Args:
            store: The artifact store.
            identity: Whose try it is.
            scratch: As above.
            patience_seconds: As above, for making the folder too.

        Raises:
            ArtifactError: It cannot be made.
        """
        wanted = layout.run_folder(identity)
        try:
            # With a patience of its own: a store that was slow to start with gets the whole of the other at the end.
            partial = Patience(patience_seconds)(lambda: store.reserve(wanted))
        except store_errors() as error:
            raise refused("written", f"{store}/{wanted}", error) from None
        return cls(store, partial, scratch=scratch, patience_seconds=patience_seconds)

    def write(self, name: str, content: bytes) -> None:
        """Replaces one file of the folder so that readers see the old or the new content.

        Raises:
            TakenError: Somebody took this run for dead and published what it had.
            ArtifactError: The store does not take it.
        """
        path = f"{self.partial}/{name}"
        try:
            self.store.write(path, content, within=self.partial)
        except store_errors() as error:
            raise self._refused("written", path, error) from None

    def beat(self, content: bytes) -> None:
        """Writes alive.json, and looks whether somebody took this run for dead.

        Raises:
            TakenError: Somebody did.
            ArtifactError: The store does not take it.
        """
        try:
            taken = not self._has_nodes and self.store.is_taken(self.partial)
        except store_errors() as error:
            raise self._refused("read", self.partial, error) from None
        if taken:
            raise self._taken
        self.write(constants.ALIVE_FILE, content)

    def sink(self) -> StoreSink:
        """Where the journal's lines go while the run lasts."""
        try:
            nodes = self.kept / constants.NODES_FILE
            return StoreSink(self.store.lines(self.partial), nodes, patience_seconds=self._patience_seconds / 4)
        except OSError as error:
            raise self._refused("written", self.partial, error) from None

    def keep(self, record: RunRecord) -> None:
        """Puts the record into the local copy, before anything that can fail."""
        (self.kept / constants.RUN_FILE).write_bytes(_json(to_json(record)))

    def keep_nodes(self, nodes: bytes) -> None:
        """Puts what is to be nodes.jsonl into the local copy."""
        (self.kept / constants.NODES_FILE).write_bytes(nodes)

    def put_nodes(self) -> None:
        """Puts nodes.jsonl into the folder, from the local copy: the first of its files.

        Raises:
            ArtifactError: It could not be put, or somebody took this run for dead.
        """
        lines = self.kept / constants.NODES_FILE
        self._has_nodes = True
        try:
            ours = self._patience(lambda: self.store.put_lines(self.partial, lines))
        except store_errors() as error:
            raise self._refused("written", f"{self.partial}/{constants.NODES_FILE}", error) from None
        if not ours:
            raise self._taken

    def add(self, sources: Iterable[Path], clean: Callable[[Path], None], *, below: Path | None = None) -> None:
        """Copies files into the folder.

        Args:
            sources: The files.
            clean: Takes the secrets out of a copy, before it goes to the store.
            below: A folder that they lie in, whose folders they keep; each by its name alone where None.
        """
        names = {file: file.relative_to(below).as_posix() if below else file.name for file in sources}
        for file, name in names.items():
            copy = self.kept / name
            try:
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
                clean(copy)
            except OSError as error:
                raise refused("written", copy, error) from None
        with ThreadPoolExecutor(_WRITERS) as pool:  # a request to a bucket is mostly waiting
            list(pool.map(lambda name: self._put(self.kept / name, f"{self.partial}/{name}"), names.values()))

    def add_manifest(self, manifest: Path, clean: Callable[[Path], None]) -> str:
        """Stores a manifest once by the hash of its content.

        Args:
            manifest: The file.
            clean: Takes the secrets out of it, in place.

        Returns:
            Its path in the store.
        """
        clean(manifest)
        content = manifest.read_bytes()
        path = layout.manifest_path(identity_of(content))
        try:
            self._patience(lambda: self._store_manifest(path, content))
        except store_errors() as error:
            raise self._refused("written", path, error) from None
        return path

    def publish(self, record: RunRecord) -> None:
        """Commits the run, with what went through the sink or was kept as its nodes.jsonl.

        Args:
            record: Its record.

        Raises:
            ArtifactError: It could not be published within the patience; `kept` holds what there was to publish.
        """
        self.keep(record)
        content = _json(to_json(record))
        if (self.kept / constants.NODES_FILE).exists():
            self.put_nodes()
        try:
            self._patience(lambda: self.store.commit(self.partial, content))
        except ArtifactError:
            # Whoever took this run for dead may have found its record whole, and published that.
            if not self._is_committed(content):
                raise
        except store_errors() as error:
            # What failed may have been the answer alone, or what makes a folder that is there survive the machine.
            if not self._is_committed(content):
                raise self._refused("written", self.path, error) from None
            self.notes.append(f"The store took the run and then failed: {self._refused('written', self.path, error)}")
        self._tidy()

    def amend(self, record: RunRecord) -> None:
        """Replaces the record of the published run by one that says more. Where that fails, the message still says it.

        Args:
            record: The record that was published, with notes.
        """
        with contextlib.suppress(TakenError, *store_errors()):
            self.store.write(f"{self.path}/{constants.RUN_FILE}", _json(to_json(record)), within=self.path)

    def _is_committed(self, content: bytes) -> bool:
        try:
            return self.store.read(f"{self.path}/{constants.RUN_FILE}") == content
        except store_errors():
            return False

    def _tidy(self) -> None:
        """Takes away what only an unpublished run needs. What stays by a failure harms nobody."""
        shutil.rmtree(self.kept, ignore_errors=True)
        with contextlib.suppress(*store_errors()):
            self.store.tidy(self.path)

    def point(self, target: str, name: str, pointer: Pointer) -> bool:
        """Moves one of a target's pointers, atomically and never back to an older run.

        A failing store is tried again with as much patience as the publication had, for all pointers together. The run
        is published already, so a pointer that stays behind is a note and no failure.

        Returns:
            Whether it moved.
        """
        path = layout.target_pointer(target, name)
        content = _json(to_json(pointer))
        try:
            return self._later_patience(lambda: advance(self.store, path, content, pointer.finished_at))
        except store_errors() as error:
            self.notes.append(f"{path} does not point to this run: {self._refused('written', path, error)}")
            return False

    def keep_gaps(self, record: RunRecord, nodes: list[NodeRecord]) -> None:
        """Tells the target what is built and what is left of microbatch models, once the run is published."""
        try:
            self._later_patience(lambda: keep_gaps(self.store, record, nodes, run=self.path))
        except store_errors() as error:
            self.notes.append(f"What is left of batches is not kept: {self._refused('written', layout.BATCHES, error)}")

    def read(self, path: str, *, later: bool = False) -> bytes | None:
        """Reads a file of the store, again where that fails.

        Args:
            path: Relative to the store's root.
            later: Whether the run is published already; reading then takes the pointers' patience.

        Returns:
            Its content; None where there is none, or where it cannot be read, which is a note then.
        """
        return self._found(path, lambda: self.store.read(path), self._later_patience if later else self._patience)

    def read_record(self, run: str) -> RunRecord | None:
        """The record of an earlier run, again where reading fails, once this one is published.

        Args:
            run: The earlier run's folder, relative to the store's root.

        Returns:
            The record; None as of `read`.

        Raises:
            ConfigError: It is damaged.
        """
        path = f"{run}/{constants.RUN_FILE}"
        return self._found(path, lambda: read_record(self.store, run), self._later_patience)

    def _found(self, path: str, read: Callable[[], T], patience: Patience) -> T | None:
        try:
            return patience(lambda: _unless_missing(read))
        except store_errors() as error:
            self.notes.append(str(self._refused("read", path, error)))
            return None

    def patiently(self, act: Callable[[], None]) -> None:
        """Does something with the store, again where that fails, within the publication's patience."""
        self._patience(act)

    def _put(self, file: Path, path: str) -> None:
        try:
            self._patience(lambda: self.store.copy(file, path, within=self.partial))
        except store_errors() as error:
            raise self._refused("written", path, error) from None

    def _store_manifest(self, path: str, content: bytes) -> None:
        """Stores a manifest, or renews its age where it is there: `podbt prune` removes unreferenced ones by age."""
        modified = self.store.modified(path)
        if modified is None or datetime.now(UTC) - modified > layout.MANIFEST_GRACE / 2:
            self.store.write(path, content)

    def _refused(self, what: str, path: str, error: BaseException) -> ArtifactError:
        return refused(what, f"{self.store}/{path}", error)

    @property
    def _taken(self) -> TakenError:
        return TakenError(f"{self.store}/{self.path}")


def _unless_missing(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except FileNotFoundError:
        return None


def _json(data: object) -> bytes:
    return json.dumps(data, indent=1).encode() + b"\n"
