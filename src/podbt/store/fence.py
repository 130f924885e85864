"""Who publishes a try's folder: its run, or somebody who found that dead. One of them does, and the other learns of it.

A run that was silent for two minutes is taken for dead (see `alive`) and may wake up nevertheless: its node was cut
off, its machine slept. On a volume, whoever recovers a folder renames it first, and the run's own writes then find no
folder. In a bucket nothing can be renamed; there nodes.jsonl and run.json are only ever created. Whoever creates
nodes.jsonl decides which nodes the record tells of, so it comes before all other files; whoever creates run.json
published the run.
"""

import filecmp
from itertools import count
from pathlib import Path

from podbt import constants
from podbt.contract import layout
from podbt.errors import ArtifactError
from podbt.store import files
from podbt.store.location import StorePath

_CLAIMED = ".claimed"


def taken(folder: StorePath) -> ArtifactError:
    """What a run is told whose folder is no longer its own."""
    return ArtifactError(
        f"'{folder}' is not this run's any more: somebody took this run for dead and published what it had by then."
    )


def final_of(partial: StorePath) -> StorePath:
    """The name that an unpublished folder gets."""
    return partial.with_name(partial.name.removesuffix(layout.PARTIAL_SUFFIX).removesuffix(_CLAIMED))


def reserve(wanted: StorePath) -> StorePath:
    """Makes the first of try-1, try-1.2 … that nobody has: a pod replaced within one try keeps the first's journal."""
    for number in count(1):
        final = wanted if number == 1 else wanted.with_name(f"{wanted.name}.{number}")
        if not isinstance(final, Path):
            if files.create(final / layout.RESERVED, b"{}\n"):
                return final
            continue
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
        return partial
    raise AssertionError("count() does not end")


def claim(partial: StorePath) -> StorePath:
    """Takes a folder from a run that is dead, so that it cannot write there any more. One that was claimed stays so.

    Returns:
        Where its files are now.

    Raises:
        FileNotFoundError: Somebody else was quicker.
    """
    final = final_of(partial)
    if not (isinstance(partial, Path) and isinstance(final, Path)) or partial == _claimed(final):
        return partial
    return partial.rename(_claimed(final))


def put_nodes(lines: Path, path: StorePath) -> bool:
    """Puts nodes.jsonl in its place.

    Returns:
        False where somebody else has put another one there; only in a bucket.
    """
    if isinstance(path, Path):
        # By replacement: killed within it, the journal is still whole.
        if not (path.exists() and filecmp.cmp(lines, path, shallow=False)):
            files.write(path, lines.read_bytes(), make_folder=False)
        return True
    return _created(path, lines.read_bytes())


def commit(partial: StorePath, final: StorePath, content: bytes) -> None:
    """Makes the folder a published one. May be repeated after it failed anywhere, even after it was done.

    Raises:
        ArtifactError: It is published already, with another record.
        FileNotFoundError: It was claimed.
    """
    if not (isinstance(partial, Path) and isinstance(final, Path)):
        if not _created(final / constants.RUN_FILE, content):
            raise taken(final)
        return
    if partial.exists() or not final.exists():
        files.write(partial / constants.RUN_FILE, content, make_folder=False)
        (partial / constants.ALIVE_FILE).unlink(missing_ok=True)
        for file in partial.rglob("*"):
            files.sync(file)
        files.sync(partial)
        partial.rename(final)
    elif files.read(final / constants.RUN_FILE) != content:
        raise taken(final)
    files.sync(final.parent)


def _created(path: StorePath, content: bytes) -> bool:
    """Creates an object. One of the same content is ours: an answer may have been lost."""
    return files.create(path, content) or files.read(path) == content


def _partial(final: Path) -> Path:
    return final.with_name(final.name + layout.PARTIAL_SUFFIX)


def _claimed(final: Path) -> Path:
    return final.with_name(final.name + _CLAIMED + layout.PARTIAL_SUFFIX)
