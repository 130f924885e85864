"""The profile that a build parses with: the project's own outputs as far as they fit, else a made-up one.

Nothing of it is ever connected to. What matters is that the targets have their names, and the facts that the project's
own profiles.yml writes out, since a project may look at them while it is parsed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from podbt import constants
from podbt.errors import ConfigError

ADAPTER: Final = "postgres"
"""The only one that the image has."""

_UNKNOWN_TARGET: Final = "build"
_UNKNOWN_PROFILE: Final = "build"
_MADE_UP: Final = {
    "type": ADAPTER, "host": "localhost", "port": 5432, "user": "build", "password": "", "threads": 1,
    "dbname": "build", "schema": "build",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class BuildProfile:
    """A profiles.yml for the build.

    Attributes:
        folder: Where it is.
        name: The profile.
        targets: Its targets, the default first.
        known: Whether anybody named them; otherwise it is one that is made up.
    """

    folder: Path
    name: str
    targets: tuple[str, ...]
    known: bool


def write_profile(project: Path, scratch: Path, targets: Sequence[str] = ()) -> BuildProfile:
    """Writes the profile.

    Args:
        project: The project's folder.
        scratch: Where it goes.
        targets: The targets to build for; by default those of the project's own profiles.yml, or one that is made up.

    Raises:
        ConfigError: A file is no YAML, or the name of the profile is no text.
    """
    asked = read_yaml(project / "dbt_project.yml").get("profile")
    if not isinstance(asked, str | None):
        raise ConfigError(f"'{project / 'dbt_project.yml'}' has the profile {asked!r}. Write 'profile: <name>'.")
    profiles = read_yaml(project / constants.PROFILES_FILE) if (project / constants.PROFILES_FILE).is_file() else {}
    name, own = _own(profiles, asked)
    outputs = {target: _output(output) for target, output in _fitting(own.get("outputs")).items()}
    wanted = tuple(dict.fromkeys(targets)) or _default_first(tuple(outputs), own.get("target"))
    known = bool(wanted)
    wanted = wanted or (_UNKNOWN_TARGET,)
    found = {target: outputs.get(target, _MADE_UP) for target in wanted}
    text = yaml.safe_dump({name: {"target": wanted[0], "outputs": found}})
    (scratch / constants.PROFILES_FILE).write_text(text, encoding="utf-8")
    return BuildProfile(folder=scratch, name=name, targets=wanted, known=known)


def read_yaml(file: Path) -> dict[str, Any]:
    """A project's file as it is written, with its templates.

    Raises:
        ConfigError: It cannot be read, or is no mapping.
    """
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"'{file}' cannot be read ({type(error).__name__}).") from None
    except yaml.YAMLError as error:
        # Not the error's text: it quotes the line, and in a profile that may be the password's.
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(f"'{file}' is no YAML{f' (line {mark.line + 1})' if mark else ''}.") from None
    if not isinstance(data, dict | None):
        raise ConfigError(f"'{file}' is no mapping of names to values.")
    return data or {}


def _own(profiles: Mapping[str, Any], asked: str | None) -> tuple[str, Mapping[str, Any]]:
    """The profile that the project asks for, and its content.

    Where its name is a template, or nothing since each run says --profile, it is the only profile there is.
    """
    named = {name: one for name, one in profiles.items() if name != "config" and isinstance(one, dict)}
    if asked and (asked in named or not _is_template(asked)):
        return asked, named.get(asked, {})
    return next(iter(named.items())) if len(named) == 1 else (_UNKNOWN_PROFILE, {})


def _fitting(outputs: Any) -> dict[str, dict[str, Any]]:
    """Outputs of this image's adapter: another one's are for other machines."""
    found = outputs if isinstance(outputs, dict) else {}
    return {
        str(target): output
        for target, output in found.items()
        if isinstance(output, dict) and (output.get("type") == ADAPTER or _is_template(output.get("type")))
    }


def _output(output: Mapping[str, Any]) -> dict[str, Any]:
    return {**output, "type": ADAPTER}


def _default_first(targets: tuple[str, ...], default: Any) -> tuple[str, ...]:
    """A default that only a variable names, or that is another adapter's, is none of the build's."""
    return tuple(sorted(targets, key=lambda target: target != default))


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and ("{{" in value or "{%" in value)
