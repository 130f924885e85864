"""The settings of runtime docker: each step in a container of a Docker host."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from podbt.contract.kinds import PullPolicy, Runtime
from podbt.contract.model import Strict
from podbt.contract.settings.bucket import Bucket
from podbt.contract.settings.common import AbsolutePath, Image, Quantity, Resources, WorkerSettings

VolumeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]+$", max_length=253)]


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
