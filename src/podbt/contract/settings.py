"""Settings: where dbt runs. One YAML file that the chart renders and every Airflow component mounts.

A DAG says what runs and when; nothing in it says where. Promotion changes the image here, not a DAG.
"""

import os
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, StringConstraints, field_validator

from podbt import constants
from podbt.contract.model import Strict
from podbt.errors import ConfigError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=253)]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Quantity = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]

_PINNED = re.compile(r"@sha256:[0-9a-f]{64}$|:(?!latest$)[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")


class SecretKey(Strict):
    """One key of a Secret in the namespace of the dbt pods."""

    name: Name
    key: str = constants.PROFILES_FILE


class SecretEnv(Strict):
    """An environment variable of the dbt container that is read from a Secret."""

    name: EnvName
    secret: Name
    key: str


class Artifacts(Strict):
    """The volume that run records are published to."""

    claim: Name
    sub_path: str = ""


class Notify(Strict):
    """How people are told. The address itself is a credential and stays out of this file."""

    url_env: EnvName = constants.ENV_NOTIFY_URL


class Amounts(Strict):
    cpu: Quantity | None = None
    memory: Quantity | None = None

    @field_validator("cpu", "memory", mode="before")
    @classmethod
    def _number_as_text(cls, value: object) -> object:
        """YAML reads `cpu: 1` as a number; Kubernetes takes either."""
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


class Resources(Strict):
    """Kubernetes resources of the dbt container."""

    requests: Amounts = Amounts(cpu="250m", memory="512Mi")
    limits: Amounts = Amounts(memory="2Gi")


class Toleration(Strict):
    """A Kubernetes toleration, in this file's spelling."""

    key: str | None = None
    operator: Literal["Exists", "Equal"] | None = None
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: int | None = None


class Settings(Strict):
    """Where dbt pods run and what they get. Durations are in seconds."""

    image: str
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    image_pull_secrets: list[Name] = []
    target: Annotated[str, StringConstraints(min_length=1)]
    namespace: Name
    service_account: Name
    profiles_secret: SecretKey
    secret_env: list[SecretEnv] = []
    artifacts: Artifacts
    resources: Resources = Resources()
    scratch_size_limit: Quantity = "2Gi"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    node_selector: dict[str, str] = {}
    tolerations: list[Toleration] = []
    priority_class_name: Name | None = None
    startup_timeout_seconds: Annotated[int, Field(ge=10, le=86400)] = 600
    run_timeout_seconds: Annotated[int, Field(ge=10, le=7 * 86400)] = 14400
    termination_grace_seconds: Annotated[int, Field(ge=5, le=3600)] = 90
    connection_wait_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    """How long a run waits for a database that cannot be reached, before its first node."""
    plan: str | None = None
    """The plan file of the image, where Airflow's components have it; pods then check that they run the same plan."""
    lock_tables: bool = True
    queue_timeout_seconds: Annotated[int, Field(ge=0, le=7 * 86400)] = constants.QUEUE_TIMEOUT_SECONDS
    notify: Notify | None = None
    keep_finished_pod_seconds: Annotated[int, Field(ge=0, le=86400)] = 30

    @field_validator("image")
    @classmethod
    def _pinned(cls, image: str) -> str:
        if not _PINNED.search(image):
            raise ValueError(f"image '{image}' is not pinned: give it a digest (…@sha256:…) or a tag other than latest")
        return image


def load_settings(path: str | Path | None = None) -> Settings:
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
def _load(file: Path, _modified: int) -> Settings:
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        raise ConfigError(f"{file}: not readable as YAML{'' if line is None else f' (line {line + 1})'}.") from None
    return Settings.parse(data, source=str(file))
