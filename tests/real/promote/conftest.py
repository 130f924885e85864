"""A project with an image that is released, and one that staging has, made once; each test has a copy of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.registries import PASSWORD, Project


@pytest.fixture(scope="session", autouse=True)
def _password() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COSIGN_PASSWORD", PASSWORD)
        for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    """Dev's registry has one image with all that belongs to it. Nothing runs."""
    folder = tmp_path_factory.mktemp("released")
    project = Project.new(folder)
    for registry in project.registries.values():
        registry.start()
    project.write()
    digest = project.release(b"first", b"second")
    for registry in project.registries.values():
        registry.stop()
    return project, digest


@pytest.fixture
def project(released: tuple[Project, str], tmp_path: Path) -> Iterator[Project]:
    """A copy, whose registries run."""
    with released[0].fork(tmp_path / "project") as one:
        yield one


@pytest.fixture
def digest(released: tuple[Project, str]) -> str:
    return released[1]
