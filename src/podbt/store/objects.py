"""S3 and GCS through obstore: what the store needs of a bucket. Import this only where there is one.

Objects are written whole or not at all, so `put` needs no temporary name; conditions on what is there make it safe
among several writers.
"""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.fsspec import register
from obstore.store import from_url
from upath import UPath

register(["s3", "gs"])

_TIMEOUT = "20s"  # of one request; a larger object than a manifest is not written
_RETRIES = 3
_CREDENTIALS = ("AWS_", "GOOGLE_")


def open_bucket(url: str, endpoint_url: str | None, region: str | None) -> UPath:
    """The path of a bucket, or of a prefix in one. Credentials come from the environment or the pod's identity."""
    config: dict[str, Any] = {}
    if endpoint_url:
        config["endpoint" if url.startswith("s3:") else "base_url"] = endpoint_url
    if region:
        config["region"] = region
    return UPath(
        url,
        config=config,
        client_options={
            "allow_http": (endpoint_url or "").startswith("http://"),
            "timeout": _TIMEOUT,
            "connect_timeout": "5s",
        },
        # The publisher has patience of its own; here only what one lost packet costs.
        retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=15)},
    )


def put(path: UPath, content: bytes) -> None:
    store, key = _bucket(path)
    obstore.put(store, key, content)


def read(path: UPath) -> bytes:
    """An object's content, in one request. Raises FileNotFoundError where there is none."""
    store, key = _bucket(path)
    return bytes(obstore.get(store, key).bytes())


def create(path: UPath, content: bytes) -> bool:
    """Writes an object unless there is one. Of several writers one succeeds."""
    store, key = _bucket(path)
    try:
        obstore.put(store, key, content, mode="create", use_multipart=False)
    except (AlreadyExistsError, PreconditionError):
        return False
    return True


def read_version(path: UPath) -> tuple[bytes, Any] | None:
    """An object and the version that `replace_version` wants back; None where there is none."""
    store, key = _bucket(path)
    try:
        found = obstore.get(store, key)
        # S3 knows an object's version by its e_tag, GCS by a number.
        known = {"e_tag": found.meta["e_tag"], "version": found.meta["version"]}
        version = {name: value for name, value in known.items() if value is not None}
        return bytes(found.bytes()), version
    except FileNotFoundError:
        return None


def replace_version(path: UPath, content: bytes, version: Any) -> bool:
    """Replaces an object unless somebody has replaced it since."""
    store, key = _bucket(path)
    try:
        obstore.put(store, key, content, mode=version, use_multipart=False)
    except (AlreadyExistsError, PreconditionError):
        return False
    return True


def modified(path: UPath) -> datetime | None:
    """The server's time of the last write; None where there is no such object."""
    store, key = _bucket(path)
    try:
        when: datetime = obstore.head(store, key)["last_modified"]
    except FileNotFoundError:
        return None
    return when


def delete(path: UPath) -> None:
    """Deletes an object; one that is not there is fine."""
    store, key = _bucket(path)
    try:
        obstore.delete(store, key)
    except FileNotFoundError:
        return


def walk(path: UPath) -> Iterator[tuple[str, int, datetime]]:
    """All objects below a path: the name relative to it, bytes, and the server's time of the last write."""
    store, key = _bucket(path)
    for chunk in obstore.list(store, key):
        for meta in chunk:
            yield meta["path"].removeprefix(f"{key}/"), meta["size"], meta["last_modified"]


def _bucket(path: UPath) -> tuple[Any, str]:
    bucket, _, key = path.path.partition("/")
    options = path.storage_options
    # A client holds the credentials that it found when it was made.
    found = sorted((name, value) for name, value in os.environ.items() if name.startswith(_CREDENTIALS))
    seen = hash((repr(sorted(options.items())), *found))
    return _store(f"{path.protocol}://{bucket}", seen, _Options(options)), key.rstrip("/")


class _Options(dict[str, Any]):
    """Options that take part in no comparison: the hash beside them does."""

    def __hash__(self) -> int:  # type: ignore[override]
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Options)


@cache
def _store(url: str, _seen: int, options: _Options) -> Any:
    return from_url(url, **options)
