"""The same tests on a folder, on a real S3 gateway and on a real GCS server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.store_servers import StoreServer, gcs, open_store, s3

from podbt.store.store import Store
from podbt.store.volume import Volume


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    with s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def gcs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    with gcs(tmp_path_factory.mktemp("gcs")) as server:
        yield server


@pytest.fixture(params=["folder", "s3", "gcs"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    if request.param == "folder":
        (tmp_path / "artifacts").mkdir()
        return Volume(tmp_path / "artifacts")
    return open_store(request.getfixturevalue(f"{request.param}_server"), monkeypatch)
