"""The settings of the runtimes beside Kubernetes: a container on a Docker host, a process on the worker itself.

What every runtime has is `RunSettings`; `podbt.contract.settings` adds Kubernetes and reads the file.
"""

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from podbt import constants
from podbt.contract.kinds import PullPolicy, Runtime
from podbt.contract.model import Strict
from podbt.contract.stores import Bucket

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=253)]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Quantity = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]
VolumeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]+$", max_length=253)]

_PINNED = re.compile(r"@sha256:[0-9a-f]{64}$|:(?!latest$)[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")
# Airflow's own configuration and connections, and what podbt sets itself.
_NOT_FOR_DBT = ("AIRFLOW", "PODBT_")


def _pinned(image: str) -> str:
    if not _PINNED.search(image):
        raise ValueError(f"image '{image}' is not pinned: give it a digest (…@sha256:…) or a tag other than latest")
    return image


def _absolute(path: str) -> str:
    if not PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError(f"'{path}' is no absolute path: begin it with /, without ..")
    return path


def _for_dbt(name: str) -> str:
    if name.startswith(_NOT_FOR_DBT):
        raise ValueError(f"{name} is not for dbt: Airflow and podbt use it themselves")
    return name


Image = Annotated[str, AfterValidator(_pinned)]
AbsolutePath = Annotated[str, AfterValidator(_absolute)]
PassedName = Annotated[EnvName, AfterValidator(_for_dbt)]


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


class Notify(Strict):
    """How people are told. The address itself is a credential and stays out of this file."""

    url_env: EnvName = constants.ENV_NOTIFY_URL


class RunSettings(Strict):
    """What a run needs wherever it is. Durations are in seconds."""

    target: Annotated[str, StringConstraints(min_length=1)]
    run_timeout_seconds: Annotated[int, Field(ge=10, le=7 * 86400)] = 14400
    termination_grace_seconds: Annotated[int, Field(ge=5, le=3600)] = 90
    connection_wait_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    """How long a run waits for a database that cannot be reached, before its first node."""
    plan: str | None = None
    """The plan file of the image, where Airflow's components have it; runs then check that they run the same plan."""
    lock_tables: bool = True
    queue_timeout_seconds: Annotated[int, Field(ge=0, le=7 * 86400)] = constants.QUEUE_TIMEOUT_SECONDS
    notify: Notify | None = None


class WorkerSettings(RunSettings):
    """What the runtimes that run beside an Airflow worker share.

    Credentials are never values here: they are in profiles.yml, or in variables that a file of mode 0600 or the
    worker's own environment holds.
    """

    env_file: AbsolutePath | None = None
    """NAME=value lines for dbt's environment, in a file that only the worker's user can read."""
    env_names: list[PassedName] = []
    """Variables of the worker's own environment that dbt gets."""


class _OneOf(Strict):
    """Fields of which exactly one is given."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        names = list(type(self).model_fields)
        if sum(getattr(self, name) is not None for name in names) != 1:
            raise ValueError(f"give exactly one of {' and '.join(names)}")
        return self


class HostFile(_OneOf):
    """Where profiles.yml is: a file on the Docker host, or a named volume that holds it."""

    file: AbsolutePath | None = None
    volume: VolumeName | None = None


class HostArtifacts(Bucket):
    """Where run records are published to: a folder on the Docker host, a named volume, or a prefix of a bucket.

    User 65532 must be able to write to folder or volume. Credentials of a bucket are env_file's or env_names' to give.
    """

    folder: AbsolutePath | None = None
    volume: VolumeName | None = None

    @model_validator(mode="after")
    def _one_store(self) -> Self:
        if sum(place is not None for place in (self.folder, self.volume, self.url)) != 1:
            raise ValueError("give exactly one of folder, volume and url (s3://… or gs://…)")
        return self


class Folder(Strict):
    """A folder on the worker's machine."""

    folder: AbsolutePath


class LocalArtifacts(Bucket):
    """Where run records are published to: a folder on the worker's machine, or a prefix of a bucket, as for docker."""

    folder: AbsolutePath | None = None

    @model_validator(mode="after")
    def _one_store(self) -> Self:
        if (self.folder is None) == (self.url is None):
            raise ValueError("give exactly one of folder and url (s3://… or gs://…)")
        return self


class DockerSettings(WorkerSettings):
    """A container of the dbt image on a Docker host. Paths are the Docker host's."""

    runtime: Literal[Runtime.DOCKER]
    image: Image
    image_pull_policy: PullPolicy = PullPolicy.IF_NOT_PRESENT
    docker_url: str | None = None
    """The daemon; $DOCKER_HOST of the worker where it is left out, else Docker's own socket."""
    connection_id: str | None = None
    """An Airflow connection of type docker: the registry's login."""
    network: str = "bridge"
    profiles: HostFile
    artifacts: HostArtifacts
    resources: Resources = Resources()
    scratch_size_limit: Quantity = "2Gi"
    pids_limit: Annotated[int, Field(ge=16, le=65536)] = 512
    labels: dict[str, str] = {}
    startup_timeout_seconds: Annotated[int, Field(ge=10, le=86400)] = 600


class LocalSettings(WorkerSettings):
    """A process beside the worker, in a Python environment of dbt's own."""

    runtime: Literal[Runtime.LOCAL]
    python: AbsolutePath
    """The interpreter of an environment with podbt[runner]. Airflow's own process never imports dbt."""
    project: AbsolutePath
    profiles: Folder
    artifacts: LocalArtifacts
    baked: AbsolutePath | None = None
    """What `podbt plan` wrote for the project: its plan and its partial parse."""
    scratch: Folder = Folder(folder=constants.SCRATCH_PATH)
    """Each run gets a folder of its own in here, which goes with the run."""
