"""The settings of runtime local: each step in a process beside the Airflow worker."""

from typing import Literal, Self

from pydantic import model_validator

from podbt import constants
from podbt.contract.kinds import Runtime
from podbt.contract.model import Strict
from podbt.contract.settings.bucket import Bucket
from podbt.contract.settings.common import AbsolutePath, WorkerSettings


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
