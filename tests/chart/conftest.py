"""A database for the scripts that the chart mounts into pods."""

from collections.abc import Iterator

import pytest
from tests.support.postgres import Server, server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with server() as running:
        yield running
