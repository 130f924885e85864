"""Whether two builds made the same image; if not, what differs."""

import hashlib
import tarfile
import tempfile
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Final

from podbt.errors import PromotionError
from podbt.promote.image import Layout, normalize
from podbt.promote.tools import FailedError, Shell

# As a release, whose dates are none after its commit's: here none is after that of a build's context.
_DATE: Final = datetime(1980, 1, 1, tzinfo=UTC)


def images(shell: Shell, one: str, two: str) -> list[str]:
    """Compares two images as a release would push them.

    Args:
        shell: Runs docker, whose daemon has them.
        one: An image's name.
        two: Another's.

    Returns:
        What differs, a line each; none where both make the same digest.

    Raises:
        PromotionError: There is no such image.
    """
    with tempfile.TemporaryDirectory() as folder:
        layouts = []
        for number, name in enumerate((one, two)):
            saved = Path(folder, f"{number}.tar")
            try:
                shell.ask("docker", "save", "--output", saved, name)
            except FailedError as error:
                raise PromotionError(f"There is no image {name}: docker: {error.said}") from None
            layouts.append(normalize(saved, Path(folder, str(number)), _DATE))
            saved.unlink()
        return differences(*layouts)


def differences(one: Layout, two: Layout) -> list[str]:
    """As `images`, of layouts."""
    if one.digest == two.digest:
        return []
    found = [f"label {key}" for key, _ in sorted(one.labels.items() ^ two.labels.items())]
    found += [f"environment {entry.partition('=')[0]}" for entry in sorted(set(one.env) ^ set(two.env))]
    for number, (first, second) in enumerate(zip_longest(one.layers(), two.layers())):
        if first is None or second is None:
            found.append(f"layer {number} is in one of them alone")
        elif first.name != second.name:
            before, after = _contents(first), _contents(second)
            names = sorted(name for name, _ in before.items() ^ after.items())
            found += [f"layer {number}: {name}" for name in dict.fromkeys(names)]
    return list(dict.fromkeys(found)) or ["the order of files, or the image's configuration"]


def _contents(layer: Path) -> dict[str, str]:
    """What is in a layer: a name, and a hash of all that it says of it."""
    found = {}
    with tarfile.open(layer, "r:gz") as archive:
        for entry in archive:
            content = archive.extractfile(entry) if entry.isreg() else None
            digest = hashlib.sha256(content.read()).hexdigest() if content else ""
            facts = (entry.type, entry.mode, entry.uid, entry.gid, entry.mtime, entry.linkname, digest)
            found[entry.name] = repr((*facts, sorted(entry.pax_headers.items())))
    return found
