"""The same tests on a folder, on a real S3 gateway and on a real GCS server."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.store_servers import StoreServer, gcs, s3

from podbt.store.location import Location, StorePath

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    with s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def gcs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    with gcs(tmp_path_factory.mktemp("gcs")) as server:
        yield server


def open_store(server: StoreServer, monkeypatch: pytest.MonkeyPatch) -> StorePath:
    """A store of the test's own in the server's bucket."""
    for name, value in server.env.items():
        monkeypatch.setenv(name, value)
    return Location.read(env=server.environment(f"store-{next(_NUMBERS)}")).open()


@pytest.fixture(params=["folder", "s3", "gcs"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StorePath:
    if request.param == "folder":
        (tmp_path / "artifacts").mkdir()
        return tmp_path / "artifacts"
    return open_store(request.getfixturevalue(f"{request.param}_server"), monkeypatch)
