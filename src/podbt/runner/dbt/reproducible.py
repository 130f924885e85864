"""What a parse says of when, by which invocation and in which order of folders it was made, set to the same each time.

With SOURCE_DATE_EPOCH in the environment (https://reproducible-builds.org/specs/source-date-epoch/), as in the build of
an image, so that two builds of the same files make the same image. A run that takes the parse puts its own moment in.
"""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from podbt.errors import ConfigError

VARIABLE: Final = "SOURCE_DATE_EPOCH"
_CREATED: Final = "created_at"
_MOMENTS: Final = ("generated_at", "invocation_started_at", "run_started_at")
_NOBODYS: Final = "00000000-0000-0000-0000-000000000000"


def wanted() -> int | None:
    """The date, in seconds since 1970; None where dbt's own stay.

    Raises:
        ConfigError: The variable holds something else.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        return None
    if not text.isdecimal():
        raise ConfigError(f"{VARIABLE} is '{text}', which is no number of seconds since 1970: mend or unset it.")
    return int(text)


def settle(data: dict[str, Any], seconds: int) -> None:
    """Changes a manifest as dbt serializes it, or as its saved parse has it."""
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    metadata = data["metadata"]
    for key in _MOMENTS:
        if metadata.get(key):
            # dbt writes the one in another way than the others.
            metadata[key] = f"{moment}+00:00" if key == "run_started_at" else f"{moment}.000000Z"
    metadata["invocation_id"] = _NOBODYS
    for node in _nodes(data):
        if _CREATED in node:
            node[_CREATED] = float(seconds)
    for name, collection in data.items():
        # dbt meets files in the order that the file system lists them in, which differs between two builds. Nothing
        # depends on it: all are found by their ids.
        if isinstance(collection, dict):
            data[name] = dict(sorted(collection.items(), key=lambda item: str(item[0])))


def settle_file(file: Path, seconds: int) -> None:
    """As `settle`, in a manifest.json."""
    data = json.loads(file.read_bytes())
    settle(data, seconds)
    file.write_text(json.dumps(data), encoding="utf-8")


def _nodes(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All that a manifest has by id; what is disabled is a list for each."""
    for collection in data.values():
        for held in collection.values() if isinstance(collection, dict) else ():
            yield from (one for one in (held if isinstance(held, list) else [held]) if isinstance(one, dict))
