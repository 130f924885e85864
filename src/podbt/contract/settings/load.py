"""Settings: where dbt runs. One YAML file that the chart renders and every Airflow component mounts.

`runtime` chooses among pods (the default), containers of a Docker host, and processes beside the worker.

A DAG says what runs and when; nothing in it says where. Promotion changes the image here, not a DAG.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import yaml

from podbt import constants
from podbt.contract.kinds import Runtime
from podbt.contract.settings import release
from podbt.contract.settings.files import settings_file
from podbt.errors import ConfigError

if TYPE_CHECKING:
    from podbt.contract.settings.docker import DockerSettings
    from podbt.contract.settings.kubernetes import Settings
    from podbt.contract.settings.local import LocalSettings

AnySettings: TypeAlias = "Settings | DockerSettings | LocalSettings"
_NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
# By name: a DAG file's parse pays for each model that is built, and nearly always needs those of one runtime.
_MODELS: Final[Mapping[str, str]] = {
    Runtime.KUBERNETES: "podbt.contract.settings.kubernetes:Settings",
    Runtime.DOCKER: "podbt.contract.settings.docker:DockerSettings",
    Runtime.LOCAL: "podbt.contract.settings.local:LocalSettings",
}


def _fields(runtime: str) -> Collection[str]:
    """The keys that a runtime's settings have."""
    return _model(runtime).model_fields


def _model(runtime: str) -> "type[AnySettings]":
    model: type[AnySettings] = resolve_name(_MODELS[runtime])
    return model


def unknown_keys(keys: Iterable[str]) -> set[str]:
    """Those that no runtime's settings have."""
    left = set(keys)
    for runtime in _MODELS:
        if left:
            left -= set(_fields(runtime))
    return left


def parse_settings(data: Any, *, source: str) -> AnySettings:
    """Validates the settings of whichever runtime they name; Kubernetes where they name none.

    Raises:
        ConfigError: One line; a key that only another runtime has is told from one that none has.
    """
    given = data if isinstance(data, Mapping) else {}
    runtime = given.get("runtime", Runtime.KUBERNETES)
    if not isinstance(runtime, str) or runtime not in _MODELS:
        raise ConfigError(f"{source}: runtime '{runtime}' is not one of {', '.join(sorted(_MODELS))}.")
    if foreign := sorted(foreign_keys(given, runtime)):
        owners = sorted(name for name in _MODELS if foreign[0] in _fields(name))
        raise ConfigError(
            f"{source}: {foreign[0]} belongs to runtime {' and '.join(owners)}, but runtime is {runtime}. "
            "Remove it, or change runtime."
        )
    return _model(runtime).parse(data, source=source)


def foreign_keys(data: Mapping[str, Any], runtime: str) -> set[str]:
    """The keys that other runtimes have and this one has not."""
    own = _fields(runtime)
    others = {key for key in data if key not in own}
    return others - unknown_keys(others)


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
    skew = release.take(data, source=str(file))
    try:
        settings = parse_settings(data, source=str(file))
    except ConfigError as error:
        # What the other release has is an unknown key, or a missing one, to this one.
        raise (ConfigError(f"{skew} {error}") if skew else error) from None
    if skew:
        release.warn(skew)
    return settings


def _own_namespace() -> str:
    """The namespace that this process runs in; empty outside of Kubernetes."""
    try:
        return _NAMESPACE_FILE.read_text().strip()
    except OSError:
        return ""
