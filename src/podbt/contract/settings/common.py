"""What the settings of every runtime have, and the words that they are written in."""

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, field_validator, model_validator

from podbt import constants
from podbt.contract.model import Strict
from podbt.contract.settings.observed import OpenLineage, Telemetry
from podbt.contract.variables import texts

_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
Namespace = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}$")]
Name = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}(\.{_LABEL})*$", max_length=253)]
"""Of an object of Kubernetes: a DNS subdomain, as RFC 1123 has it."""
SecretKeyName = Annotated[str, StringConstraints(pattern=r"^\.?[A-Za-z0-9_-][A-Za-z0-9._-]*$", max_length=253)]
Instance = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$", max_length=63)]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Quantity = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]

_UNITS: Final = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("k", "M", "G", "T"), 1)},
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti"), 1)},
}
_PINNED = re.compile(r"@sha256:[0-9a-f]{64}$|:(?!latest$)[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")


def _pinned(image: str) -> str:
    if not _PINNED.search(image):
        raise ValueError(f"image '{image}' is not pinned: give it a digest (…@sha256:…) or a tag other than latest")
    return image


def _absolute(path: str) -> str:
    if not PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError(f"'{path}' is no absolute path: begin it with /, without ..")
    return path


def _for_dbt(name: str) -> str:
    if name.startswith(constants.NOT_FOR_DBT):
        raise ValueError(f"{name} is not for dbt: Airflow and podbt use it themselves")
    return name


def _plain(variables: object) -> object:
    return texts(variables) if isinstance(variables, Mapping) else variables


Image = Annotated[str, AfterValidator(_pinned)]
AbsolutePath = Annotated[str, AfterValidator(_absolute)]
PassedName = Annotated[EnvName, AfterValidator(_for_dbt)]


def amount(quantity: str) -> Decimal:
    """A `Quantity` as a number, bytes of memory or CPUs: "500m" is 0.5, "1Ki" is 1024."""
    digits = quantity.rstrip("mkKMGTi")
    return Decimal(digits) * _UNITS[quantity[len(digits) :]]


class Amounts(Strict):
    cpu: Quantity | None = None
    memory: Quantity | None = None

    @field_validator("cpu", "memory", mode="before")
    @classmethod
    def _number_as_text(cls, value: object) -> object:
        """YAML reads `cpu: 1` as a number; Kubernetes takes either."""
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


class Resources(Strict):
    """Resources of the dbt container, in Kubernetes' words."""

    requests: Amounts = Amounts(cpu="250m", memory="512Mi")
    limits: Amounts = Amounts(memory="2Gi")

    @model_validator(mode="after")
    def _within_the_limits(self) -> Self:
        for kind in ("cpu", "memory"):
            request, limit = getattr(self.requests, kind), getattr(self.limits, kind)
            if request and limit and amount(request) > amount(limit):
                raise ValueError(f"requests.{kind} ({request}) is above limits.{kind} ({limit}); raise the limit")
        return self


class Notify(Strict):
    """How people are told. The address itself is a credential and stays out of this file."""

    url_env: EnvName = constants.ENV_NOTIFY_URL


class RunSettings(Strict):
    """What a run needs wherever it is. Durations are in seconds."""

    target: Annotated[str, StringConstraints(min_length=1)]
    instance: Instance = constants.INSTANCE
    """Which installation this is: its pods, containers and artifact store are told from those of others by it."""
    run_timeout_seconds: Annotated[int, Field(ge=10, le=7 * 86400)] = 14400
    termination_grace_seconds: Annotated[int, Field(ge=5, le=3600)] = 90
    connection_wait_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    """How long a run waits for a database that cannot be reached, before its first node."""
    plan: str | None = None
    """The plan file of the image, where Airflow's components have it; runs then check that they run the same plan."""
    lock_tables: bool = True
    queue_timeout_seconds: Annotated[int, Field(ge=0, le=7 * 86400)] = constants.QUEUE_TIMEOUT_SECONDS
    notify: Notify | None = None
    openlineage: OpenLineage | None = None
    telemetry: Telemetry | None = None
    """By default nobody is told of runs."""
    env: Annotated[dict[str, str], BeforeValidator(_plain)] = {}
    """Plain variables of dbt's environment. They are visible wherever the run is: nothing secret."""


class WorkerSettings(RunSettings):
    """What the runtimes that run beside an Airflow worker share.

    Credentials are never values here: they are in profiles.yml, or in variables that a file of mode 0600 or the
    worker's own environment holds.
    """

    env_file: AbsolutePath | None = None
    """NAME=value lines for dbt's environment, in a file that only the worker's user can read."""
    env_names: list[PassedName] = []
    """Variables of the worker's own environment that dbt gets."""

    @model_validator(mode="after")
    def _one_value_each(self) -> Self:
        if twice := sorted(set(self.env) & set(self.env_names)):
            raise ValueError(f"{twice[0]} is given by env and by env_names; keep one")
        return self
