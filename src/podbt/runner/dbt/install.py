"""Installs a project's packages for an image, and lays the project out so that nothing of it lies elsewhere."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Final

from podbt.errors import ConfigError
from podbt.runner.dbt import engine
from podbt.runner.dbt.build_parse import invoke
from podbt.runner.dbt.placeholders import Placeholders
from podbt.runner.dbt.seams import patched
from podbt.runner.process.redact import RedactedStream, Redactor

_PACKAGE_FILES: Final = ("packages.yml", "dependencies.yml")
_HUB: Final = "DBT_PACKAGE_HUB_URL"
_VENDORED: Final = "If they lie in the project, take them as they are: make image DEPS=no, podbt plan --deps no."
_HOW: Final = "Give it as a secret of the build: make image SECRETS=FILE, docker build --secret id=podbt,src=FILE."


def install(project: Path, arguments: Sequence[str], secrets: Mapping[str, str]) -> None:
    """Runs `dbt deps` where the project has packages.

    Args:
        project: The project's folder.
        arguments: dbt's own.
        secrets: Environment variables that this alone may know.

    Raises:
        ConfigError: A package cannot be had; the message is dbt's.
    """
    if not any((project / name).is_file() for name in _PACKAGE_FILES):
        return
    placeholders = Placeholders()
    if (hub := os.environ.get(_HUB)) and not hub.endswith("/"):
        os.environ[_HUB] = f"{hub}/"  # dbt puts the path right behind it
    engine.point(PROJECT_DIR=str(project))
    redactor = Redactor(set(secrets.values()))
    try:
        with (
            _known(secrets),
            redirect_stdout(RedactedStream(sys.stdout, redactor)),
            patched(placeholders.seams(secrets=False)),
        ):
            invoke(["deps", *arguments], placeholders)
    except ConfigError as error:
        said = redactor.text(str(error))
        raise ConfigError(f"{said}\n{_HOW if 'Env var required' in said else _VENDORED}") from None
    finally:
        placeholders.forget()


def lay_out(project: Path, folder: Path) -> None:
    """Copies a project with its packages, and what symbolic links lead to; no package's git folder, which has its URL.

    Args:
        project: The project's folder.
        folder: Where it goes; made if it is not there.

    Raises:
        ConfigError: A link leads to nothing, or round in a circle.
    """
    _copy(project, folder, frozenset({os.path.realpath(project)}))


def check_for_secrets(folders: Sequence[Path], secrets: Mapping[str, str]) -> None:
    """Looks for secrets of the build in what becomes the image.

    Raises:
        ConfigError: One is in a file, which is named; the secret is named, too, and not shown.
    """
    sought = {name: Redactor({value}) for name, value in secrets.items()}
    for file in (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()) if sought else ():
        content = file.read_bytes()
        if found := [name for name, redactor in sought.items() if redactor.content(content) != content]:
            raise ConfigError(f"'{file}' holds the value of {', '.join(found)}, a secret of the build. Keep it out.")


def read_secrets(file: Path | None) -> dict[str, str]:
    """Reads NAME=value lines; nothing where the build was given no such file.

    Raises:
        ConfigError: A line is something else; it is not shown.
    """
    if file is None or not file.is_file():
        return {}
    found = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        name, equals, value = line.strip().partition("=")
        if not name or name.startswith("#"):
            continue
        if not equals or not name.isidentifier():
            raise ConfigError(f"Line {number} of the build's secrets is no NAME=value.")
        found[name] = value
    return found


def _copy(source: Path, to: Path, above: frozenset[str]) -> None:
    to.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        if path.name == ".git":
            continue
        if path.is_dir():
            real = os.path.realpath(path)
            if real in above and path.is_symlink():
                raise ConfigError(f"'{path}' is a symbolic link to a folder that it lies in. Remove it.")
            if real in above:  # a project that tests the package around it (local: ../) is no part of that package
                continue
            _copy(path, to / path.name, above | {real})
        elif path.is_file():
            shutil.copy2(path, to / path.name)
        elif path.is_symlink():
            raise ConfigError(f"'{path}' is a symbolic link to nothing ('{path.readlink()}'). Mend or remove it.")


@contextmanager
def _known(secrets: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in secrets}
    os.environ |= secrets
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
