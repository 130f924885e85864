"""Where the settings files are: one, or one for each dbt project that an Airflow runs.

Apart from what reads them: each parse of a DAG file asks where they are, and builds none of their models for that.
"""

import os
import time
from pathlib import Path
from typing import Any, Final

from podbt import constants
from podbt.errors import ConfigError

PROJECT: Final = "project_name"
"""Beside a task's changes of the settings: which of several dbt projects is meant. No settings have such a key."""


def of_project(project: str | None) -> dict[str, Any]:
    """What stands beside a task's changes of the settings for its project."""
    return {} if project is None else {PROJECT: project}


def settings_file(project: str | None = None) -> Path:
    """Where the settings are: $PODBT_SETTINGS, else /etc/podbt/settings.yaml; a project's in a folder of its beside it.

    Args:
        project: The folder's name. None: the file itself, or where there is none the only project's.

    Raises:
        ConfigError: The project is not known, or has to be named. The line lists those that are there.
    """
    file, known = _file(), projects()
    if project is None:
        if not file.exists() and len(known) > 1:
            raise ConfigError(f"Several dbt projects are known here: {', '.join(known)}. Say which one: project=….")
        return file if file.exists() or not known else next(iter(known.values()))
    if project not in known:
        raise ConfigError(
            f"Project '{project}' is not known here. Known: {', '.join(known) or 'none'}. Correct the name, or mount "
            f"its settings at {file.parent}/{project}/{file.name}."
        )
    return known[project]


def check_project(project: str | None) -> None:
    """Refuses a project that is not known, where any settings are: a DAG file is parsed without them, too.

    Raises:
        ConfigError: As `settings_file`.
    """
    if project is not None and (projects() or _file().exists()):
        settings_file(project)


def projects() -> dict[str, Path]:
    """The settings files of the dbt projects that have one of their own, by the projects' names."""
    file = _file()
    # A mounted ConfigMap has hidden folders with the same files.
    found = sorted(one for one in file.parent.glob(f"*/{file.name}") if not one.parent.name.startswith("."))
    return {one.parent.name: one for one in found}


def _file() -> Path:
    return Path(os.environ.get(constants.ENV_SETTINGS) or constants.SETTINGS_PATH)


def settings_age_seconds(project: str | None = None) -> float:
    """How long ago the settings file was changed; for a mounted ConfigMap, when the kubelet brought it."""
    try:
        return time.time() - settings_file(project).stat().st_mtime
    except OSError:
        return 0.0
