"""What the settings may add to a dbt pod, in Kubernetes' own spelling: as a pod spec has it, within podbt's promises.

A dbt pod keeps these, whatever is added: restricted Pod Security, no right at the Kubernetes API, and podbt's own
container, command, labels and variables. The chart's schema of the same values is made of these models
(helm/generate.py), so that one place says what is allowed.
"""

from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel

from podbt import constants
from podbt.contract.kinds import PullPolicy
from podbt.contract.model import Strict
from podbt.contract.settings.common import EnvName, Image, Name
from podbt.contract.variables import problem

VolumeName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Path = Annotated[str, StringConstraints(pattern=r"^/[^:\x00-\x1f]+$")]
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]

OWN_VOLUMES: Final = ("scratch", "artifacts", "profiles")
OWN_FOLDERS: Final = (constants.SCRATCH_PATH, constants.ARTIFACTS_PATH, constants.PROFILES_PATH, "/opt/podbt", "/dev")
_OWN_KEYS: Final = ("app.kubernetes.io/", f"{constants.LABEL_PREFIX}/", "kubectl.kubernetes.io/default-container")


class Kubernetes(Strict):
    """A part of a pod spec. Its keys are written as Kubernetes writes them, startupProbe and not startup_probe."""

    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True)

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As it is read: what was not said is not there, since a volume of two kinds, one of them null, is refused."""
        return {key: value for key, value in write(self).items() if value is not None}

    def manifest(self) -> dict[str, Any]:
        """As a pod spec has it."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class ServiceAccountToken(Kubernetes):
    """For a service of its own, e.g. Vault: without an audience it would be a right at the Kubernetes API."""

    audience: Annotated[str, StringConstraints(min_length=1)]
    path: str
    expiration_seconds: Annotated[int, Field(ge=600)] | None = None


class VolumeSource(Kubernetes):
    """One source of a projected volume."""

    config_map: dict[str, Any] | None = None
    secret: dict[str, Any] | None = None
    downward_api: Annotated[dict[str, Any] | None, Field(alias="downwardAPI")] = None
    cluster_trust_bundle: dict[str, Any] | None = None
    service_account_token: ServiceAccountToken | None = None


class Projected(Kubernetes):
    sources: list[VolumeSource]
    default_mode: int | None = None


class Volume(Kubernetes):
    """A volume of a kind that restricted Pod Security allows: no hostPath, and none of another machine's."""

    name: VolumeName
    config_map: dict[str, Any] | None = None
    secret: dict[str, Any] | None = None
    csi: dict[str, Any] | None = None
    downward_api: Annotated[dict[str, Any] | None, Field(alias="downwardAPI")] = None
    empty_dir: dict[str, Any] | None = None
    ephemeral: dict[str, Any] | None = None
    persistent_volume_claim: dict[str, Any] | None = None
    projected: Projected | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if len(self.model_fields_set - {"name"}) != 1:
            raise ValueError("a volume is of one kind: give configMap, secret, csi, emptyDir, … and one of them alone")
        if self.name in OWN_VOLUMES:
            raise ValueError(f"{self.name} is a volume of podbt's own; choose another name")
        return self


class VolumeMount(Kubernetes):
    name: VolumeName
    mount_path: Path
    sub_path: str | None = None
    sub_path_expr: str | None = None
    read_only: bool | None = None

    @model_validator(mode="after")
    def _beside_podbt(self) -> Self:
        at = PurePosixPath(self.mount_path)
        for own in OWN_FOLDERS:
            if at == PurePosixPath(own) or at in PurePosixPath(own).parents or PurePosixPath(own) in at.parents:
                raise ValueError(f"{self.mount_path} would hide {own}, which is podbt's own; mount it elsewhere")
        return self


class TopologySpread(Kubernetes):
    max_skew: Annotated[int, Field(ge=1)]
    topology_key: Annotated[str, StringConstraints(min_length=1)]
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"]
    label_selector: dict[str, Any] | None = None
    match_label_keys: list[str] | None = None
    min_domains: Annotated[int, Field(ge=1)] | None = None
    node_affinity_policy: Literal["Honor", "Ignore"] | None = None
    node_taints_policy: Literal["Honor", "Ignore"] | None = None


class Affinity(Kubernetes):
    node_affinity: dict[str, Any] | None = None
    pod_affinity: dict[str, Any] | None = None
    pod_anti_affinity: dict[str, Any] | None = None


class PodSecurity(Strict):
    """Numeric ids of user and groups. None of them: the cluster's own choice, as OpenShift makes it for a namespace."""

    run_as_user: Id | None = constants.USER
    run_as_group: Id | None = constants.USER
    fs_group: Id | None = constants.USER


def _not_ours(pairs: dict[str, str]) -> dict[str, str]:
    for key in pairs:
        if key.startswith(_OWN_KEYS):
            raise ValueError(f"{key} is podbt's own to set; remove it")
    return pairs


Pairs = Annotated[dict[str, str], AfterValidator(_not_ours)]


class Variable(Kubernetes):
    name: EnvName
    value: str | None = None
    value_from: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _for_dbt(self) -> Self:
        if said := problem(self.name):
            raise ValueError(said)
        return self


class MetadataPatch(Kubernetes):
    labels: Pairs = {}
    annotations: Pairs = {}


class DbtContainerPatch(Kubernetes):
    """Of podbt's container: what it gets besides, and nothing of what it is."""

    name: Literal["dbt"]
    env: list[Variable] | None = None
    env_from: list[dict[str, Any]] | None = None
    resources: dict[str, Any] | None = None
    volume_mounts: list[VolumeMount] | None = None


def _other_than_dbt(name: str) -> str:
    if name == constants.CONTAINER_NAME:
        raise ValueError(f"{name} is the name of podbt's own container; choose another")
    return name


class Helper(Kubernetes):
    """A container that starts before dbt; with restartPolicy Always it stays beside it (a sidecar)."""

    name: Annotated[VolumeName, AfterValidator(_other_than_dbt)]
    image: Image
    image_pull_policy: PullPolicy | None = None
    restart_policy: Literal["Always"] | None = None
    command: list[str] | None = None
    args: list[str] | None = None
    env: list[dict[str, Any]] | None = None
    env_from: list[dict[str, Any]] | None = None
    resources: dict[str, Any] | None = None
    volume_mounts: list[dict[str, Any]] | None = None
    startup_probe: dict[str, Any] | None = None


class HostAlias(Kubernetes):
    ip: str
    hostnames: list[str]


class SpecPatch(Kubernetes):
    containers: list[DbtContainerPatch] | None = None
    init_containers: list[Helper] | None = None
    volumes: list[Volume] | None = None
    dns_config: dict[str, Any] | None = None
    dns_policy: Literal["ClusterFirst", "Default", "None"] | None = None
    host_aliases: list[HostAlias] | None = None
    host_users: Literal[False] | None = None
    preemption_policy: Literal["Never", "PreemptLowerPriority"] | None = None
    resource_claims: list[dict[str, Any]] | None = None
    runtime_class_name: Name | None = None
    scheduler_name: Name | None = None


class PodPatch(Kubernetes):
    """The last resort: a strategic merge into each dbt pod, of what breaks none of podbt's promises."""

    metadata: MetadataPatch = MetadataPatch()
    spec: SpecPatch = SpecPatch()
