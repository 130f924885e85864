"""What a manifest is called in the store: by its content, so that equal ones are one file.

A manifest of 5,000 nodes has 18 MB, and four times that once it is read. So its parts are read one after the other and
forgotten: the end of a run would else be what takes most memory of all that the run does.
"""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, Final

# In a manifest these differ from run to run of the same project; leaving them out lets equal manifests be one file.
_VOLATILE: Final = ("generated_at", "invocation_id", "invocation_started_at", "run_started_at", "user_id")
_METADATA: Final = '{"metadata": '
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_read: Final[Callable[[str, int], tuple[Any, int]]] = json.JSONDecoder().raw_decode


def identity_of(content: bytes) -> str:
    """The hash of a manifest without what differs from run to run.

    Raises:
        ValueError: It is no JSON object: it was cut short, say.
    """
    text = content.decode()
    metadata: dict[str, Any] = {}

    def entry(key: str, at: int) -> int:
        if key == "metadata":
            found, end = _read(text, at)
            metadata.update(found)
            return end
        return (
            _object(text, at, lambda _, inner: _read(text, inner)[1])
            if text.startswith("{", at)
            else _read(text, at)[1]
        )

    end = _object(text, _after_space(text, 0), entry)
    if _after_space(text, end) != len(text):
        raise ValueError("something stands behind the end")
    stable = {key: value for key, value in metadata.items() if key not in _VOLATILE}
    # dbt writes the metadata first. The rest, which is large, is hashed as it stands.
    rest = _read(text, len(_METADATA))[1] if text.startswith(_METADATA) else 0
    digest = hashlib.sha256(json.dumps(stable, sort_keys=True).encode())
    digest.update(memoryview(content)[len(text[:rest].encode()) :])
    return digest.hexdigest()


def _object(text: str, at: int, entry: Callable[[str, int], int]) -> int:
    """Goes through the entries of an object.

    Args:
        text: The document.
        at: Where the object begins.
        entry: Gets each key and where its value begins; says where that ends.

    Returns:
        Where the object ends.
    """
    mark, at = _mark(text, at, "{")
    if text.startswith("}", at):
        return at + 1
    while mark != "}":
        key, at = _read(text, at)
        if not isinstance(key, str):
            raise ValueError("a key is no text")  # noqa: TRY004 - what the decoder raises, too
        _, at = _mark(text, _after_space(text, at), ":")
        mark, at = _mark(text, _after_space(text, entry(key, at)), ",}")
    return at


def _mark(text: str, at: int, marks: str) -> tuple[str, int]:
    """One of some characters, and where what follows upon it begins."""
    found = text[at : at + 1]
    if not found or found not in marks:
        raise ValueError(f"no {' or '.join(marks)} at {at}")
    return found, _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
