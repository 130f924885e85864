"""Settings: where dbt runs. One YAML file that the chart renders and every Airflow component mounts.

`runtime` chooses among pods (the default), containers of a Docker host, and processes beside the worker; the models of
the latter two are in `podbt.contract.runtimes`.

A DAG says what runs and when; nothing in it says where. Promotion changes the image here, not a DAG.
"""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import AfterValidator, Field, model_validator

from podbt import constants
from podbt.contract.kinds import PullPolicy, Runtime, TaintEffect, TolerationOperator
from podbt.contract.model import Strict
from podbt.contract.runtimes import (
    DockerSettings,
    EnvName,
    Image,
    LocalSettings,
    Name,
    Quantity,
    Resources,
    RunSettings,
)
from podbt.contract.stores import Bucket
from podbt.errors import ConfigError


class SecretKey(Strict):
    """One key of a Secret in the namespace of the dbt pods."""

    name: Name
    key: str = constants.PROFILES_FILE


class SecretEnv(Strict):
    """An environment variable of the dbt container that is read from a Secret."""

    name: EnvName
    secret: Name
    key: str


def _once(variables: list[SecretEnv]) -> list[SecretEnv]:
    """Of two variables with one name the later would win, in silence."""
    names = [one.name for one in variables]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name} is given twice; keep one")
        if name.startswith("PODBT_"):
            raise ValueError(f"{name} is podbt's own to set; remove it")
    return variables


class Artifacts(Bucket):
    """Where run records are published to: a volume (claim), or a prefix of a bucket (url).

    The credentials of a bucket are secret_env's to give, unless the pod's service account has an identity.
    """

    claim: Name | None = None
    sub_path: str = ""

    @model_validator(mode="after")
    def _one_store(self) -> Self:
        if (self.claim is None) == (self.url is None):
            raise ValueError("name one store: claim (a volume) or url (s3://… or gs://…), not both and not neither")
        if self.url is not None and self.sub_path:
            raise ValueError("sub_path belongs to a claim; put the prefix into the url")
        return self


class Toleration(Strict):
    """A Kubernetes toleration, in this file's spelling."""

    key: str | None = None
    operator: TolerationOperator | None = None
    value: str | None = None
    effect: TaintEffect | None = None
    toleration_seconds: int | None = None


class Settings(RunSettings):
    """Where dbt pods run and what they get. Durations are in seconds."""

    runtime: Literal[Runtime.KUBERNETES] = Runtime.KUBERNETES
    image: Image
    image_pull_policy: PullPolicy = PullPolicy.IF_NOT_PRESENT
    image_pull_secrets: list[Name] = []
    namespace: Name
    service_account: Name
    profiles_secret: SecretKey
    secret_env: Annotated[list[SecretEnv], AfterValidator(_once)] = []
    artifacts: Artifacts
    resources: Resources = Resources()
    scratch_size_limit: Quantity = "2Gi"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    node_selector: dict[str, str] = {}
    tolerations: list[Toleration] = []
    priority_class_name: Name | None = None
    startup_timeout_seconds: Annotated[int, Field(ge=10, le=86400)] = 600
    keep_finished_pod_seconds: Annotated[int, Field(ge=0, le=86400)] = 30


AnySettings = Settings | DockerSettings | LocalSettings
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


@cache
def _load(file: Path, _modified: int) -> AnySettings:
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        raise ConfigError(f"{file}: not readable as YAML{'' if line is None else f' (line {line + 1})'}.") from None
    return parse_settings(data, source=str(file))
