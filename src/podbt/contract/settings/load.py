"""Settings: where dbt runs. One YAML file that the chart renders and every Airflow component mounts.

`runtime` chooses among pods (the default), containers of a Docker host, and processes beside the worker.

A DAG says what runs and when; nothing in it says where. Promotion changes the image here, not a DAG.
"""

import os
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from podbt import constants
from podbt.contract.kinds import Runtime
from podbt.contract.settings.docker import DockerSettings
from podbt.contract.settings.kubernetes import Settings
from podbt.contract.settings.local import LocalSettings
from podbt.errors import ConfigError

AnySettings = Settings | DockerSettings | LocalSettings
_NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_RUNTIMES: Final[Mapping[str, type[AnySettings]]] = {
    Runtime.KUBERNETES: Settings,
    Runtime.DOCKER: DockerSettings,
    Runtime.LOCAL: LocalSettings,
}
KNOWN_KEYS: Final = frozenset(key for model in _RUNTIMES.values() for key in model.model_fields)
"""Every key that some runtime's settings have."""
PROJECT: Final = "project_name"
"""Beside a task's changes of the settings: which of several dbt projects is meant. No settings have such a key."""


def of_project(project: str | None) -> dict[str, Any]:
    """What stands beside a task's changes of the settings for its project."""
    return {} if project is None else {PROJECT: project}


def parse_settings(data: Any, *, source: str) -> AnySettings:
    """Validates the settings of whichever runtime they name; Kubernetes where they name none.

    Raises:
        ConfigError: One line; a key that only another runtime has is told from one that none has.
    """
    given = data if isinstance(data, Mapping) else {}
    runtime = given.get("runtime", Runtime.KUBERNETES)
    model = _RUNTIMES.get(runtime) if isinstance(runtime, str) else None
    if model is None:
        raise ConfigError(f"{source}: runtime '{runtime}' is not one of {', '.join(sorted(_RUNTIMES))}.")
    if foreign := sorted(foreign_keys(given, runtime)):
        owners = sorted(name for name, other in _RUNTIMES.items() if foreign[0] in other.model_fields)
        raise ConfigError(
            f"{source}: {foreign[0]} belongs to runtime {' and '.join(owners)}, but runtime is {runtime}. "
            "Remove it, or change runtime."
        )
    return model.parse(data, source=source)


def foreign_keys(data: Mapping[str, Any], runtime: str) -> set[str]:
    """The keys that other runtimes have and this one has not."""
    return {key for key in data if key in KNOWN_KEYS and key not in _RUNTIMES[runtime].model_fields}


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


def load_settings(path: str | Path | None = None, *, project: str | None = None) -> AnySettings:
    """Reads the settings file once per process and modification.

    Args:
        path: The file. Defaults to `settings_file`.
        project: One of several dbt projects that this Airflow runs.

    Raises:
        ConfigError: The file cannot be read, is not YAML, or holds an unknown key or a wrong value.
    """
    file = Path(path) if path else settings_file(project)
    try:
        modified = file.stat().st_mtime_ns
    except OSError as error:
        raise ConfigError(
            f"Settings file '{file}' cannot be read ({error.strerror}). Mount it there or set {constants.ENV_SETTINGS}."
        ) from None
    return _load(file, modified)


def settings_age_seconds(project: str | None = None) -> float:
    """How long ago the settings file was changed; for a mounted ConfigMap, when the kubelet brought it."""
    try:
        return time.time() - settings_file(project).stat().st_mtime
    except OSError:
        return 0.0


@cache
def _load(file: Path, _modified: int) -> AnySettings:
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        raise ConfigError(f"{file}: not readable as YAML{'' if line is None else f' (line {line + 1})'}.") from None
    if isinstance(data, dict) and "instance" not in data and (namespace := _own_namespace()):
        data["instance"] = namespace
    if isinstance(data, dict) and isinstance(data.get("plan"), str):
        # Beside the settings, wherever these are mounted; an absolute path stays what it is.
        data["plan"] = str(file.parent / data["plan"])
    return parse_settings(data, source=str(file))


def _own_namespace() -> str:
    """The namespace that this process runs in; empty outside of Kubernetes."""
    try:
        return _NAMESPACE_FILE.read_text().strip()
    except OSError:
        return ""
