"""dbt's artifacts as dbt writes them, byte for byte, in less time.

dbt lets json write into the file as it goes, which takes the slow way: the encoder in C only makes whole texts.
One of all would be as large as the file, so it gets entry after entry. Of 5,000 nodes manifest.json is what a run's end
is made of.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from podbt.runner.dbt.seams import Seam, Seams

_DEPTH: Final = 2  # of a manifest: its collections, and each of their nodes by itself


def parts(value: Any, encode: Callable[[Any], str], depth: int = _DEPTH) -> Iterator[str]:
    """The JSON text of a value, in parts.

    Args:
        value: What an encoder takes.
        encode: Makes text of a value, with json's own separators.
        depth: How many levels of objects are written entry by entry.
    """
    # A key of another type is the encoder's to judge.
    if depth == 0 or type(value) is not dict or not all(type(key) is str for key in value):
        yield encode(value)
        return
    before = "{"
    for key, item in value.items():
        yield f"{before}{encode(key)}: "
        yield from parts(item, encode, depth - 1)
        before = ", "
    yield "}" if value else "{}"


def _writing(_: Callable[..., bool]) -> Callable[..., bool]:
    def write_json(path: str, data: Any) -> bool:
        from dbt_common.utils.encoding import JSONEncoder  # noqa: PLC0415 - slow to import

        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w", encoding="utf-8") as file:
            file.writelines(parts(data, JSONEncoder().encode))
        return True

    return write_json


WRITTEN: Final[Seams] = {Seam.WRITE_ARTIFACT: _writing}
