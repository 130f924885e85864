"""What of a worker's environment dbt may see. A worker's own holds Airflow's secrets, so nothing passes by default."""

import os
import re
import stat
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from podbt import constants
from podbt.contract.settings.common import WorkerSettings
from podbt.errors import ConfigError

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OTHERS_MAY: Final = stat.S_IRWXG | stat.S_IRWXO


def configured(
    settings: WorkerSettings, env: Mapping[str, str] = os.environ, *, plain: Collection[str] = ()
) -> dict[str, str]:
    """The variables that the settings name, from the worker's environment and from the file.

    Args:
        settings: What names them.
        env: The worker's environment.
        plain: Names that a step gives itself.

    Raises:
        ConfigError: One is not set, or the file cannot be read, or others can read it too, or has a variable that is
            given elsewhere. No value is in the message.
    """
    if missing := [name for name in settings.env_names if name not in env]:
        raise ConfigError(
            f"env_names: {', '.join(missing)} is not set in the worker's environment. Set it there, or use env_file."
        )
    passed = {name: env[name] for name in settings.env_names}
    if settings.env_file is None:
        return passed
    filed = _file(Path(settings.env_file))
    if twice := sorted(filed.keys() & {*settings.env, *plain}):
        raise ConfigError(f"env_file '{settings.env_file}': {twice[0]} is given by env, too. Keep one.")
    return {**passed, **filed}


def _file(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(f"env_file '{path}' cannot be read ({reason}). Create it with mode 0600.") from None
    if mode & _OTHERS_MAY:
        raise ConfigError(
            f"env_file '{path}' can be read by others (mode {stat.S_IMODE(mode):04o}). Run: chmod 0600 '{path}'"
        )
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise ConfigError(f"env_file '{path}', line {number} is not NAME=value. Mend it; # begins a comment.")
        if name.startswith(constants.NOT_FOR_DBT):
            raise ConfigError(f"env_file '{path}', line {number}: {name} is not for dbt. Remove it.")
        found[name] = value
    return found
