"""A dbt project as it goes into an image: named, whole, and without anyone's secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcluster.shell import LocalError

if TYPE_CHECKING:
    from pathlib import Path

    from localcluster.content import Content

# Made by dbt, or personal.
SKIPPED = frozenset({"target", "logs", "dbt_packages", "dbt_internal_packages", ".user.yml", ".env", "dbt_cloud.yml"})
PROFILES = "profiles.yml"
_NAME = re.compile(r"^name:\s*['\"]?([A-Za-z_][A-Za-z0-9_]*)['\"]?\s*(?:#.*)?$", re.MULTILINE)
# Lines of a profile that hold a credential. A template reads it from the environment; anything else is the credential.
_SECRET = re.compile(
    r"^\s*(?:-\s*)?(password|pass|token|access_token|api_key|client_secret|private_key\w*|refresh_token|secret\w*|\w*_secret)"
    r"\s*:[ \t]*(\S.*)$",
    re.MULTILINE | re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Project:
    """A folder with a dbt project."""

    name: str
    folder: Path


def read_project(folder: Path) -> Project:
    """Return the project in this folder.

    Raises:
        LocalError: There is none, or it has no name.
    """
    folder = folder.resolve()
    try:
        text = (folder / "dbt_project.yml").read_text()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise LocalError(f"{folder} holds no dbt_project.yml: name the folder of a dbt project.") from error
    match = _NAME.search(text)
    if match is None:
        raise LocalError(f"{folder / 'dbt_project.yml'} has no name: give it one (name: my_project).")
    return Project(name=match[1], folder=folder)


def add_project(content: Content, project: Project, *, name: str = "project") -> None:
    """Add the project's files under `name`.

    Raises:
        LocalError: Its profiles.yml holds a credential, which would be in the image for everyone who can pull it.
    """
    profiles = project.folder / PROFILES
    if profiles.is_file() and (keys := secrets_in(profiles.read_text())):
        raise LocalError(
            f"{profiles} holds a credential ({', '.join(keys)}), which must not go into an image: "
            "read it by env_var(...), or keep that file elsewhere."
        )
    content.add_folder(name, project.folder, skipped=SKIPPED)


def secrets_in(profiles: str) -> list[str]:
    """Return the keys of a profiles.yml whose values are credentials rather than env_var templates."""
    found = []
    for key, value in _SECRET.findall(profiles):
        if "env_var(" not in value and value.strip("'\" ") and not value.startswith("#"):
            found.append(key)
    return sorted(set(found))
