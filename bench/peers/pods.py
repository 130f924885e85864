"""The pod that every peer runs dbt in: podbt's own pod, with plain dbt in place of the runner.

Used twice: for the bare pods that the harness creates, and by the DAGs. Same image, profiles Secret, limits and
security settings, so that what differs is who starts the pod and who follows it.
"""

from typing import Final

from bench.peers.light import SMALL
from kubernetes.client import models as k8s

from podbt import constants
from podbt.contract.record import RunIdentity
from podbt.contract.settings.kubernetes import Settings
from podbt.contract.step import Step
from podbt.pod.build import build_pod

PROFILE: Final = "dbt_dental_models"
PROJECT_DIR: Final = "/project"
PARTIAL_PARSE: Final = "/opt/bench/partial_parse.msgpack"

BASE: Final = "base"
"""KubernetesPodOperator's name for the container that it follows."""

_ENVIRONMENT: Final = {
    "DBT_PROFILES_DIR": constants.PROFILES_PATH,
    "DBT_TARGET_PATH": f"{constants.SCRATCH_PATH}/target",
    "DBT_LOG_PATH": f"{constants.SCRATCH_PATH}/logs",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DBT_USE_COLORS": "false",
    "DBT_PARTIAL_PARSE_FILE_PATH": PARTIAL_PARSE,
}


def profile_arguments(target: str) -> list[str]:
    """As Cosmos writes them: dbt keeps its parsed state for exactly these."""
    return ["--profile", PROFILE, "--target", target, "--project-dir", PROJECT_DIR]


def build_arguments(target: str, select: str) -> list[str]:
    """The arguments of `dbt build`, for the peers that write it themselves."""
    selection = ["--select", *select.split()] if select else []
    return ["build", *selection, *profile_arguments(target)]


def plain_pod(
    settings: Settings, image: str, *, name: str | None = None, command: list[str] | None = None
) -> k8s.V1Pod:
    """A pod that runs a command of the dbt image, without podbt's runner.

    Args:
        settings: Where it runs.
        image: The image.
        name: The pod's name; None where the operator gives it one.
        command: The container's command; None for the image's own entry point.
    """
    identity = RunIdentity(dag_id="bench", run_id="bench", task_id="bench")
    pod = build_pod(settings.model_copy(update={"image": image}), Step(), identity)
    pod.metadata = k8s.V1ObjectMeta(name=name, namespace=settings.namespace, labels={"podbt.io/bench": "true"})
    container = pod.spec.containers[0]
    container.name = BASE
    container.command = command
    container.args = None
    container.env = [k8s.V1EnvVar(name=key, value=value) for key, value in _ENVIRONMENT.items()]
    return pod


def small(pod: k8s.V1Pod) -> k8s.V1Pod:
    """The same pod asking for next to nothing, so that forty fit on one small node."""
    pod.spec.containers[0].resources = k8s.V1ResourceRequirements(**SMALL)
    return pod
