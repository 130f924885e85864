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


def load_settings(path: str | Path | None = None) -> AnySettings:
    """Reads the settings file once per process and modification.

    Args:
        path: The file. Defaults to $PODBT_SETTINGS, else /etc/podbt/settings.yaml.

    Raises:
        ConfigError: The file cannot be read, is not YAML, or holds an unknown key or a wrong value.
    """
    file = Path(path or os.environ.get(constants.ENV_SETTINGS) or constants.SETTINGS_PATH)
    try:
        modified = file.stat().st_mtime_ns
    except OSError as error:
        raise ConfigError(
            f"Settings file '{file}' cannot be read ({error.strerror}). Mount it there or set {constants.ENV_SETTINGS}."
        ) from None
    return _load(file, modified)


def settings_age_seconds() -> float:
    """How long ago the settings file was changed; for a mounted ConfigMap, when the kubelet brought it."""
    file = Path(os.environ.get(constants.ENV_SETTINGS) or constants.SETTINGS_PATH)
    try:
        return time.time() - file.stat().st_mtime
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
    return parse_settings(data, source=str(file))


def _own_namespace() -> str:
    """The namespace that this process runs in; empty outside of Kubernetes."""
    try:
        return _NAMESPACE_FILE.read_text().strip()
    except OSError:
        return ""
