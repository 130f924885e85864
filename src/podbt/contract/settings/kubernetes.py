"""The settings of runtime kubernetes: each step in a pod."""

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from podbt import constants
from podbt.contract.kinds import PullPolicy, Runtime, TaintEffect, TolerationOperator
from podbt.contract.model import Strict
from podbt.contract.settings.bucket import Bucket
from podbt.contract.settings.common import (
    EnvName,
    Image,
    Name,
    Namespace,
    Quantity,
    Resources,
    RunSettings,
    SecretKeyName,
)
from podbt.contract.settings.pod import Affinity, PodPatch, PodSecurity, TopologySpread, Volume, VolumeMount

_FOLDER: Final = r"[^/.\x00-\x1f][^/\x00-\x1f]*"
SUB_PATH: Final = rf"^({_FOLDER}(/{_FOLDER})*)?$"


class SecretKey(Strict):
    """One key of a Secret in the namespace of the dbt pods."""

    name: Name
    key: SecretKeyName = constants.PROFILES_FILE


class SecretEnv(Strict):
    """An environment variable of the dbt container that is read from a Secret."""

    name: EnvName
    secret: Name
    key: SecretKeyName


def _once(variables: list[SecretEnv]) -> list[SecretEnv]:
    """Of two variables with one name the later would win, in silence."""
    names = [one.name for one in variables]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name} is given twice; keep one")
        if name.startswith(constants.ENV_PREFIX):
            raise ValueError(f"{name} is podbt's own to set; remove it")
    return variables


class Artifacts(Bucket):
    """Where run records are published to: a volume (claim), or a prefix of a bucket (url).

    The credentials of a bucket are secret_env's to give, unless the pod's service account has an identity.
    """

    claim: Name | None = None
    sub_path: Annotated[str, StringConstraints(pattern=SUB_PATH)] = ""

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


class Signed(Strict):
    """Only images that a stage approved may run: `podbt promote` signs that, and writes the bundles."""

    stage: Annotated[str, Field(min_length=1)]
    public_key: Annotated[str, Field(pattern=r"^-----BEGIN PUBLIC KEY-----")]
    """The stage's, as PEM."""
    bundles: list[str] = []
    """Sigstore bundles, JSON text."""


class Settings(RunSettings):
    """Where dbt pods run and what they get. Durations are in seconds."""

    runtime: Literal[Runtime.KUBERNETES] = Runtime.KUBERNETES
    image: Image
    image_pull_policy: PullPolicy = PullPolicy.IF_NOT_PRESENT
    image_pull_secrets: list[Name] = []
    namespace: Namespace
    service_account: Name
    profiles_secret: SecretKey
    secret_env: Annotated[list[SecretEnv], AfterValidator(_once)] = []
    artifacts: Artifacts
    signed: Signed | None = None
    """By default any image may run."""
    resources: Resources = Resources()
    scratch_size_limit: Quantity = "2Gi"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    node_selector: dict[str, str] = {}
    tolerations: list[Toleration] = []
    priority_class_name: Name | None = None
    affinity: Affinity = Affinity()
    topology_spread_constraints: list[TopologySpread] = []
    volumes: list[Volume] = []
    volume_mounts: list[VolumeMount] = []
    pod_security: PodSecurity = PodSecurity()
    pod_patch: PodPatch | None = None
    startup_timeout_seconds: Annotated[int, Field(ge=10, le=86400)] = 600
    keep_finished_pod_seconds: Annotated[int, Field(ge=0, le=86400)] = 30

    @model_validator(mode="after")
    def _one_value_each(self) -> Self:
        if twice := sorted(set(self.env) & {one.name for one in self.secret_env}):
            raise ValueError(f"{twice[0]} is given by env and by secret_env; keep one")
        return self

    @model_validator(mode="after")
    def _volumes_of_its_own(self) -> Self:
        names = [volume.name for volume in self.volumes]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"volumes has {twice[0]} twice; keep one")
        added = names + [volume.name for volume in (self.pod_patch and self.pod_patch.spec.volumes) or ()]
        if unknown := [mount.name for mount in self.volume_mounts if mount.name not in added]:
            raise ValueError(f"volume_mounts names {unknown[0]}, which is none of volumes; add it there")
        return self
