"""Builds the container of a step, as the Docker Engine's API takes it. Pure, as the pod builder is."""

from collections.abc import Mapping
from typing import Any, Final

from podbt import constants
from podbt.contract.invocation import run_environment
from podbt.contract.record import RunIdentity
from podbt.contract.settings.common import amount
from podbt.contract.settings.docker import DockerSettings
from podbt.contract.step import Step

MESSAGE_FOLDER: Final = "/run/podbt"
MESSAGE_FILE: Final = "termination-log"

_LABEL: Final = constants.LABEL_PREFIX


def task_labels(identity: RunIdentity) -> dict[str, str]:
    """The labels of every try of a task instance. Docker's label values hold any text, so these are the exact ids."""
    return {
        "app.kubernetes.io/managed-by": "podbt",
        f"{_LABEL}/dag-id": identity.dag_id,
        f"{_LABEL}/run-id": identity.run_id,
        f"{_LABEL}/task-id": identity.task_id,
        f"{_LABEL}/map-index": str(identity.map_index),
    }


def try_labels(settings: DockerSettings, identity: RunIdentity) -> dict[str, str]:
    """What the container of one try has besides: whose it is, and which try, also by Airflow's id where it is known."""
    return {
        constants.INSTANCE_LABEL: settings.instance,
        f"{_LABEL}/try-number": str(identity.try_number),
        **({f"{_LABEL}/try-id": identity.try_id} if identity.try_id else {}),
    }


def build_container(
    settings: DockerSettings, step: Step, identity: RunIdentity, configured: Mapping[str, str]
) -> dict[str, Any]:
    """The container of one try of a step.

    It is held as tightly as a pod is: a numeric user other than root, a read-only root file system, no capabilities, no
    way to gain privileges, limits on memory and processes.

    Args:
        settings: Where and with what it runs.
        step: The dbt command.
        identity: The Airflow task instance.
        configured: The environment that the settings name. It is readable in the daemon to whoever may use that.

    Returns:
        The body of the Engine's POST /containers/create.
    """
    environment = {
        **configured,
        **run_environment(
            settings,
            step,
            identity,
            image=settings.image,
            artifacts=settings.artifacts,
            folder=constants.ARTIFACTS_PATH,
        ),
        constants.ENV_TERMINATION_LOG: f"{MESSAGE_FOLDER}/{MESSAGE_FILE}",
    }
    return {
        "Image": settings.image,
        "Cmd": step.arguments(settings.target),
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "User": f"{constants.USER}:{constants.USER}",
        "Labels": {**settings.labels, **task_labels(identity), **try_labels(settings, identity)},
        "StopTimeout": settings.termination_grace_seconds,
        # A volume of its own: the only place of a stopped read-only container that can still be read.
        "Volumes": {MESSAGE_FOLDER: {}},
        "HostConfig": {
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "Privileged": False,
            "AutoRemove": False,  # it is removed once its result is read
            "RestartPolicy": {"Name": "no"},
            "NetworkMode": settings.network,
            "PidsLimit": settings.pids_limit,
            "Init": False,  # the runner is made to be process 1
            "Tmpfs": {constants.SCRATCH_PATH: f"rw,nosuid,nodev,mode=1777,size={_bytes(settings.scratch_size_limit)}"},
            "Mounts": _mounts(settings),
            **_resources(settings),
        },
    }


def _mounts(settings: DockerSettings) -> list[dict[str, Any]]:
    profiles, artifacts = settings.profiles, settings.artifacts
    mounts = [_mount(profiles.file, profiles.volume, _profiles_path(profiles.file), read_only=True)]
    if artifacts.url is None:
        mounts.append(_mount(artifacts.folder, artifacts.volume, constants.ARTIFACTS_PATH, read_only=False))
    return mounts


def _profiles_path(file: str | None) -> str:
    return f"{constants.PROFILES_PATH}/{constants.PROFILES_FILE}" if file else constants.PROFILES_PATH


def _mount(path: str | None, volume: str | None, target: str, *, read_only: bool) -> dict[str, Any]:
    kind, source = ("bind", path) if path else ("volume", volume)
    return {"Type": kind, "Source": source, "Target": target, "ReadOnly": read_only}


def _resources(settings: DockerSettings) -> dict[str, int]:
    """Limits as limits; requests as the daemon knows them: a share of the CPUs, and memory it prefers to leave."""
    limits, requests = settings.resources.limits, settings.resources.requests
    found: dict[str, int] = {}
    if limits.cpu:
        found["NanoCpus"] = int(amount(limits.cpu) * 10**9)
    if limits.memory:
        found["Memory"] = found["MemorySwap"] = _bytes(limits.memory)  # equal: no swap on top
    if requests.cpu:
        found["CpuShares"] = max(2, int(amount(requests.cpu) * 1024))
    if requests.memory:
        found["MemoryReservation"] = _bytes(requests.memory)
    return found


def _bytes(quantity: str) -> int:
    return int(amount(quantity))
