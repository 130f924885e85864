"""What is asked of an artifact store: `volume` and `bucket` are two answers.

A path is a text, relative to the store's root, with forward slashes. What fails fails with the store's own exceptions
(see `failures`); a file that is not there is a FileNotFoundError on both.

Of the folder of a try, one of two publishes it: its run, or somebody who found that dead. A run that was silent for two
minutes is taken for dead (see `alive`) and may wake up nevertheless: its node was cut off, its machine slept. Then the
folder tells one truth, and whoever comes second learns of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from podbt.contract import layout
from podbt.errors import ArtifactError


@dataclass(frozen=True)
class Entry:
    """A file: its path relative to the store's root, its bytes, when it was last written."""

    path: str
    size: int
    modified: datetime


class TakenError(ArtifactError):
    """What a run is told whose folder is no longer its own."""

    def __init__(self, folder: str) -> None:
        super().__init__(
            f"'{folder}' is not this run's any more: somebody took this run for dead and published what it had by then."
        )


def final_of(partial: str) -> str:
    """The path that an unpublished folder gets."""
    return partial.removesuffix(layout.PARTIAL_SUFFIX).removesuffix(layout.CLAIMED_SUFFIX)


class Lines(Protocol):
    """Takes the lines of a journal to where readers find them."""

    pause_seconds: float
    """Between two deliveries."""

    def deliver(self, lines: bytes) -> None:
        """Adds lines. One that failed is repeated, and what it may have left is then not there twice."""

    def close(self) -> None: ...


class Store(Protocol):
    """An artifact store. As text it is its address."""

    @property
    def readers(self) -> int:
        """How many files are worth reading at the same time."""

    @property
    def writable(self) -> bool:
        """Whether it is there and can be written, as far as that is known without asking a server."""

    def check(self) -> None:
        """As `writable`, and whether there is room.

        Raises:
            ArtifactError: It cannot.
        """

    def contains(self, path: str) -> bool:
        """Whether a path that somebody typed leads nowhere else."""

    def read(self, path: str) -> bytes:
        """A file's content. Raises FileNotFoundError where there is none."""

    def has_folder(self, path: str) -> bool:
        """Whether there is such a folder. In a bucket one without objects is none."""

    def modified(self, path: str) -> datetime | None:
        """When a file was last written, by the store's clock; None where there is none."""

    def children(self, path: str) -> list[str]:
        """Names of the files and folders directly in a folder, in no order; none where there is no such folder."""

    def walk(self, under: str = "") -> Iterator[Entry]:
        """All files below a folder, in no order. Files that vanish meanwhile are left out."""

    def write(self, path: str, content: bytes, *, within: str | None = None) -> None:
        """Writes a file so that readers see the old or the new content, never a mix.

        Args:
            path: The file. Folders above it are made.
            content: What it is to hold.
            within: The folder of a try, which is not made anew.

        Raises:
            TakenError: That folder is gone.
        """

    def create(self, path: str, content: bytes) -> bool:
        """Writes a file unless there is one. Of several writers one succeeds."""

    def exchange(self, path: str, decide: Callable[[bytes | None], bytes | None]) -> bool:
        """Replaces a file depending on what it holds; of several writers each sees what the one before it wrote.

        Args:
            path: The file.
            decide: Gets its content (None: no such file), gives the new content or None to leave it. May be called
                again.

        Returns:
            Whether it was replaced.
        """

    def copy(self, file: Path, path: str, *, within: str) -> None:
        """Copies a local file into the folder of a try, over what is there. Raises TakenError as `write`."""

    def remove(self, path: str) -> None:
        """Removes a file; one that is not there is fine."""

    def reserve(self, wanted: str) -> str:
        """Makes the folder of a try: the first of try-1, try-1.2 … that nobody has.

        A pod that is replaced within one try keeps the first one's journal.

        Returns:
            Where its files are to go, until it is published.
        """

    def lines(self, folder: str) -> Lines:
        """Where the lines of the journal go while the run lasts."""

    def read_lines(self, folder: str) -> bytes:
        """The lines of a run, published or not; empty where there are none."""

    def is_taken(self, folder: str) -> bool:
        """Whether somebody took the run for dead, where a write would not tell. Only for a run that put no lines."""

    def claim(self, partial: str) -> str:
        """Takes a folder from a run that is dead, so that it cannot write there any more. It may be claimed already.

        Returns:
            Where its files are now.

        Raises:
            FileNotFoundError: Somebody else was quicker.
        """

    def put_lines(self, partial: str, file: Path) -> bool:
        """Puts nodes.jsonl in its place: the first of the files, for it decides which nodes the record tells of.

        Returns:
            False where somebody else has put another one there.

        Raises:
            TakenError: The folder is gone.
        """

    def commit(self, partial: str, record: bytes) -> None:
        """Makes the folder a published one; run.json comes last. May be repeated after it failed anywhere.

        Raises:
            TakenError: It was claimed, or it is published already, with another record.
        """

    def tidy(self, published: str) -> None:
        """Takes away what only an unpublished run needs."""

    def discard(self, folder: str, names: list[str]) -> None:
        """Removes a run. Cut short, it shows no run any more, and a later call goes on with it.

        Args:
            folder: The run's folder.
            names: Its files, relative to it.
        """

    def sweep(self) -> None:
        """Removes what discarded runs leave."""
