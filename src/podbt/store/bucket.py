"""An artifact store in a bucket, or under a prefix of one: S3 and GCS through obstore, which is imported only here.

Objects are written whole or not at all. Nothing can be renamed or appended, so a run's objects lie under `try-N/` from
the start, and a reader passes by folders without run.json. nodes.jsonl and run.json are only ever created: whoever
creates nodes.jsonl decides which nodes the record tells of, so it comes before all other files; whoever creates
run.json published the run.
"""

import errno
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import from_url

from podbt import constants
from podbt.contract import layout
from podbt.store.store import Entry, TakenError

_TIMEOUT = "20s"  # of one request; a larger object than a manifest is not written
_RETRIES = 3
_EXCHANGES = 20
_LINES_SECONDS = 1.0  # at most one object of lines a second
_NUMBERED = re.compile(r"^\d+\.jsonl$")


@dataclass(frozen=True)
class Bucket:
    """A store under a prefix. Credentials come from the environment or from the identity of whatever runs this.

    Attributes:
        url: s3://bucket/prefix or gs://bucket/prefix.
        endpoint_url: Where the bucket's server is, unless it is the cloud's own.
        region: S3's region.
    """

    url: str
    endpoint_url: str | None = None
    region: str | None = None
    readers: int = 16  # a request is mostly waiting

    def __str__(self) -> str:
        return self.url

    @cached_property
    def _client(self) -> Any:
        """Made at the first request, so that what is wrong with its options fails where other failures do, too."""
        config: dict[str, Any] = {}
        if self.endpoint_url:
            config["endpoint" if self.url.startswith("s3:") else "base_url"] = self.endpoint_url
        if self.region:
            config["region"] = self.region
        options: dict[str, Any] = {
            "config": config,
            "client_options": {
                "allow_http": (self.endpoint_url or "").startswith("http://"),
                "timeout": _TIMEOUT,
                "connect_timeout": "5s",
            },
            # The publisher has patience of its own; here only what one lost packet costs.
            "retry_config": {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=15)},
        }
        return from_url(self.url, **options)

    @property
    def writable(self) -> bool:
        return True

    def check(self) -> None:
        """Nothing: making the first run's folder tells."""

    def contains(self, path: str) -> bool:
        return ".." not in path.split("/")

    def read(self, path: str) -> bytes:
        """In one request."""
        return bytes(obstore.get(self._client, path).bytes())

    def has_folder(self, path: str) -> bool:
        return bool(self.children(path))

    def modified(self, path: str) -> datetime | None:
        try:
            when: datetime = obstore.head(self._client, path)["last_modified"]
        except FileNotFoundError:
            return None
        return when

    def children(self, path: str) -> list[str]:
        found = obstore.list_with_delimiter(self._client, path)
        paths = [*found["common_prefixes"], *(meta["path"] for meta in found["objects"])]
        return [one.rstrip("/").rsplit("/", 1)[-1] for one in paths]

    def walk(self, under: str = "") -> Iterator[Entry]:
        for chunk in obstore.list(self._client, under or None):
            for meta in chunk:
                yield Entry(meta["path"], meta["size"], meta["last_modified"])

    def write(self, path: str, content: bytes, *, within: str | None = None) -> None:  # noqa: ARG002 - no folders here
        obstore.put(self._client, path, content)

    def create(self, path: str, content: bytes) -> bool:
        return self._put(path, content, "create")

    def exchange(self, path: str, decide: Callable[[bytes | None], bytes | None]) -> bool:
        for _ in range(_EXCHANGES):
            content, version = self._versioned(path)
            new = decide(content)
            if new is None:
                return False
            if self._put(path, new, version):
                return True
        raise OSError(errno.EAGAIN, f"'{self}/{path}' is replaced by others all the time")

    def copy(self, file: Path, path: str, *, within: str) -> None:
        self.write(path, file.read_bytes(), within=within)

    def remove(self, path: str) -> None:
        try:
            obstore.delete(self._client, path)
        except FileNotFoundError:
            return

    def reserve(self, wanted: str) -> str:
        """An empty folder cannot exist here: the creation of an object reserves it."""
        for number in count(1):
            folder = wanted if number == 1 else f"{wanted}.{number}"
            if self.create(f"{folder}/{layout.RESERVED}", b"{}\n"):
                return folder
        raise AssertionError("count() does not end")

    def lines(self, folder: str) -> "NumberedLines":
        return NumberedLines(self, folder)

    def read_lines(self, folder: str) -> bytes:
        """nodes.jsonl, or the objects that stand for it until the run is published."""
        try:
            return self.read(f"{folder}/{constants.NODES_FILE}")
        except FileNotFoundError:
            pieces = f"{folder}/{constants.NODES_FOLDER}"
            names = sorted(name for name in self.children(pieces) if _NUMBERED.match(name))
            return b"".join(self.read(f"{pieces}/{name}") for name in names)

    def is_taken(self, folder: str) -> bool:
        return self.modified(f"{folder}/{constants.NODES_FILE}") is not None

    def claim(self, partial: str) -> str:
        return partial

    def put_lines(self, partial: str, file: Path) -> bool:
        return self._created(f"{partial}/{constants.NODES_FILE}", file.read_bytes())

    def commit(self, partial: str, record: bytes) -> None:
        if not self._created(f"{partial}/{constants.RUN_FILE}", record):
            raise TakenError(f"{self}/{partial}")

    def tidy(self, published: str) -> None:
        self.remove(f"{published}/{constants.ALIVE_FILE}")
        for entry in list(self.walk(f"{published}/{constants.NODES_FOLDER}")):
            self.remove(entry.path)

    def discard(self, folder: str, names: list[str]) -> None:
        """Leaves a note, takes run.json away first and the note last."""
        note = f"{folder}/{layout.REMOVED_SUFFIX}"
        self.write(note, b"")
        for name in sorted(names, key=lambda name: (name != constants.RUN_FILE, name == layout.RESERVED, name)):
            if name != layout.REMOVED_SUFFIX:
                self.remove(f"{folder}/{name}")
        self.remove(note)

    def sweep(self) -> None:
        """Nothing: there are no folders."""

    def _versioned(self, path: str) -> tuple[bytes | None, Any]:
        """An object, and the mode that replaces this very version of it."""
        try:
            found = obstore.get(self._client, path)
        except FileNotFoundError:
            return None, "create"
        # S3 knows an object's version by its e_tag, GCS by a number.
        known = {"e_tag": found.meta["e_tag"], "version": found.meta["version"]}
        return bytes(found.bytes()), {name: value for name, value in known.items() if value is not None}

    def _put(self, path: str, content: bytes, mode: Any) -> bool:
        try:
            obstore.put(self._client, path, content, mode=mode, use_multipart=False)
        except (AlreadyExistsError, PreconditionError):
            return False
        return True

    def _created(self, path: str, content: bytes) -> bool:
        """Creates an object. One of the same content is ours: an answer may have been lost."""
        return self.create(path, content) or self.read(path) == content


class NumberedLines:
    """Numbered objects, so that readers can put them in order. A repeated one replaces itself."""

    pause_seconds = _LINES_SECONDS

    def __init__(self, bucket: Bucket, folder: str) -> None:
        self._bucket = bucket
        self._folder = f"{folder}/{constants.NODES_FOLDER}"
        self._number = 0

    def deliver(self, lines: bytes) -> None:
        self._bucket.write(f"{self._folder}/{self._number + 1:06d}.jsonl", lines)
        self._number += 1

    def close(self) -> None: ...
