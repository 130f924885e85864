"""A dbt project as it goes into an image: named, whole, with the packages beside it, and without anyone's secrets.

Its files are read by their lines: this runs with nothing but Python, which knows no YAML.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localcluster.shell import LocalError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localcluster.content import Content

PROJECT_FILE = "dbt_project.yml"
PROFILES = "profiles.yml"
PACKAGE_FILES = ("packages.yml", "dependencies.yml")
# Where dbt puts what it makes and fetches: the key that names another place -> the place else.
DBTS_OWN = {"target-path": "target", "log-path": "logs", "packages-install-path": "dbt_packages"}
# Made by dbt, or personal; at the project's top.
SKIPPED = frozenset({"dbt_internal_packages", "dbt_cloud.yml"})
_NAME = re.compile(r"^name:\s*['\"]?([A-Za-z_][A-Za-z0-9_]*)['\"]?\s*(?:#.*)?$", re.MULTILINE)
_KEY = re.compile(r"""^['"]?([\w-]+)['"]?\s*:[ \t]*(.*)$""", re.MULTILINE)
_LOCAL = re.compile(r"""^[^#\n]*?['"]?\blocal['"]?\s*:\s*(?:'([^'\n]*)'|"([^"\n]*)"|([^\s,}#]+))""", re.MULTILINE)
_ITEM = re.compile(r"""'([^']*)'|"([^"]*)"|([^\s,\[\]'"#-][^\s,\[\]#]*)""")
_COMMENT = re.compile(r"(^|\s)#.*$")
_DEFAULT = re.compile(r"""env_var\(\s*['"]\w+['"]\s*,\s*['"]([^'"]+)['"]\s*\)""")
# Lines of a profile that hold a credential. A template reads it from the environment; anything else is the credential.
_SECRET = re.compile(
    r"^\s*(?:-\s*)?(password|pass|token|access_token|api_key|client_secret|private_key\w*|refresh_token|secret\w*|\w*_secret)"
    r"\s*:[ \t]*(\S.*)$",
    re.MULTILINE | re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Project:
    """A folder with a dbt project.

    Attributes:
        name: dbt's name for it.
        folder: Where it is.
        packages: Folders outside it that its packages come from.
    """

    name: str
    folder: Path
    packages: tuple[Path, ...] = ()

    @property
    def top(self) -> Path:
        """The folder that everything lies in."""
        return Path(os.path.commonpath([self.folder, *self.packages]))

    @property
    def place(self) -> str:
        """The project's path in `top`."""
        return self.folder.relative_to(self.top).as_posix()


def read_project(folder: Path) -> Project:
    """Return the project in this folder.

    Raises:
        LocalError: There is none, it has no name, or something of it cannot go into an image.
    """
    folder = folder.resolve()
    try:
        text = (folder / PROJECT_FILE).read_text()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise LocalError(f"{folder} holds no {PROJECT_FILE}: name the folder of a dbt project.") from error
    match = _NAME.search(text)
    if match is None:
        raise LocalError(f"{folder / PROJECT_FILE} has no name: give it one (name: my_project).")
    for key, paths in _lists(text).items():
        if outside := next((path for path in paths if _leads_out(path)), None):
            raise LocalError(
                f"{folder / PROJECT_FILE}: {key} leads out of the project ('{outside}'), and only what lies in it goes "
                "into an image: put a symbolic link to it into the project, which is followed."
            )
    return Project(name=match[1], folder=folder, packages=tuple(_packages(folder, folder, {folder})))


def add_project(content: Content, project: Project, *, name: str = "project", installed: bool = False) -> None:
    """Add the files of the project, and of the packages beside it, under `name` as they lie to each other.

    Args:
        content: Where they go.
        project: As `read_project` found it.
        name: The folder there.
        installed: Whether its packages are in it and go in as they are.

    Raises:
        LocalError: Its profiles.yml holds a credential, which would be in the image for everyone who can pull it.
    """
    profiles = project.folder / PROFILES
    if profiles.is_file() and (keys := secrets_in(profiles.read_text())):
        raise LocalError(
            f"{profiles} holds a credential ({', '.join(keys)}), which must not go into an image: "
            "read it by env_var(...), or keep that file elsewhere."
        )
    for package in project.packages:
        place = package.relative_to(project.top).as_posix()
        without = _left_out(package) | {PROFILES}
        if package in project.folder.parents:  # a project that tests the package around it: local: ../
            without.add(project.folder.relative_to(package).as_posix())
        content.add_folder(f"{name}/{place}", package, without=without)
    without = _left_out(project.folder, installed=installed)
    content.add_folder(f"{name}/{project.place}", project.folder, without=without)


def secrets_in(profiles: str) -> list[str]:
    """Return the keys of a profiles.yml whose values are credentials rather than env_var templates."""
    found = []
    for key, value in _SECRET.findall(profiles):
        if "env_var(" not in value and value.strip("'\" ") and not value.startswith("#"):
            found.append(key)
    return sorted(set(found))


def _left_out(folder: Path, *, installed: bool = False) -> set[str]:
    """What dbt makes or fetches itself. Folders of such names elsewhere are the project's own."""
    text = (folder / PROJECT_FILE).read_text()
    used = {path.split("/")[0] for paths in _lists(text).values() for path in paths}
    keys = {key: _plain(value) for key, value in _KEY.findall(text)}
    left_out = set(SKIPPED)
    for key, default in DBTS_OWN.items():
        has_packages = any((folder / name).exists() for name in PACKAGE_FILES)
        if key == "packages-install-path" and (installed or not has_packages):
            continue  # nothing would install them again
        places = {default, keys.get(key, "")} - used
        left_out |= {os.path.normpath(place) for place in places if place}
    return left_out - {"."}


def _packages(folder: Path, root: Path, seen: set[Path]) -> Iterator[Path]:
    """Local packages outside the project, and those that they need; dbt takes all paths from the project."""
    for file in (folder / name for name in PACKAGE_FILES):
        for groups in _LOCAL.findall(file.read_text()) if file.is_file() else ():
            local = next(filter(None, groups), "")
            if not local or "{{" in local:
                continue  # dbt says what it makes of it
            if local.startswith(("/", "~")):
                raise LocalError(
                    f"{file}: local package '{local}' has a path of this machine: write it from the project."
                )
            package = Path(os.path.normpath(root / local))
            if not (package / PROJECT_FILE).is_file():
                raise LocalError(f"{file}: local package '{local}' is not there: {package} holds no {PROJECT_FILE}.")
            if package == root:
                raise LocalError(f"{file}: local package '{local}' is the project itself: remove it.")
            if package not in seen:
                seen.add(package)
                if root not in package.parents:
                    yield package
                yield from _packages(package, root, seen)


def _lists(text: str) -> dict[str, list[str]]:
    """The paths of model-paths and the like, by key."""
    found: dict[str, list[str]] = {}
    keys = list(_KEY.finditer(text))
    for match, following in zip(keys, [*keys[1:], None], strict=True):
        if match[1].endswith("-paths"):
            block = text[match.start(2) : following.start() if following else len(text)]
            lines = (_COMMENT.sub("", line).strip().removeprefix("- ") for line in block.splitlines())
            items = (next(filter(None, groups), "") for line in lines for groups in _ITEM.findall(line))
            found[match[1]] = [os.path.normpath(item) for item in items if item]
    return found


def _leads_out(path: str) -> bool:
    return path.startswith(("../", "/")) or path == ".."


def _plain(value: str) -> str:
    """A value without quotes and comment; of a template what its variable has by default."""
    if default := _DEFAULT.search(value):
        return default[1]
    return _COMMENT.sub("", value).strip().strip("'\"").rstrip("/")
