"""Where everything of `try` is, and the programs in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from localcluster.places import PROJECT, Places, State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from localcluster.session import Session
    from localcluster.shell import Shell

FOLDER = ".try"


@dataclass(frozen=True, kw_only=True)
class Folder:
    """The folder beside the checkout's own files that `try` fills."""

    root: Path
    path: Path

    @property
    def project(self) -> Path:
        return self.root / PROJECT

    @property
    def artifacts(self) -> Path:
        return self.path / "artifacts"

    @property
    def baked(self) -> Path:
        return self.path / "plan"

    @property
    def airflow_home(self) -> Path:
        return self.path / "airflow-home"

    @property
    def settings(self) -> Path:
        return self.path / "settings.yaml"

    @property
    def secrets(self) -> Path:
        return self.path / "dbt.env"

    @property
    def env(self) -> Path:
        return self.path / "env"

    def venv(self, name: str) -> Path:
        return self.path / f"venv-{name}"

    def program(self, venv: str, name: str) -> Path:
        return self.venv(venv) / "bin" / name


def enter(session: Session) -> tuple[Session, Folder]:
    """Return the session with its logs, lock and state in the folder, which is there from then on."""
    root = session.places.root
    folder = Folder(root=root, path=root / FOLDER)
    folder.path.mkdir(exist_ok=True)
    places = Places(root=root, cache=folder.path)
    return replace(session, places=places, state=State(places)), folder


def with_environment(shell: Shell, environ: Mapping[str, str]) -> Shell:
    """Return the same shell with more environment."""
    return replace(shell, environ={**shell.environ, **environ})


def digest(*paths: Path) -> str:
    """Return a hash of files, and of all files in folders, by name and content."""
    found = hashlib.sha256()
    for path in paths:
        files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        for file in files:
            if "__pycache__" in file.parts or "target" in file.parts or "logs" in file.parts:
                continue
            found.update(f"{file.relative_to(path.parent)}\0".encode() + file.read_bytes() + b"\0")
    return found.hexdigest()[:16]
