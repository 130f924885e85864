"""Builds the pod of a step. No API calls, no clock, no environment: equal arguments give equal pods."""

import hashlib
import re
from typing import Any, Final

from kubernetes.client import ApiClient
from kubernetes.client import models as k8s

from podbt import constants
from podbt.contract.invocation import run_environment
from podbt.contract.names import run_name
from podbt.contract.record import RunIdentity
from podbt.contract.settings.common import Resources
from podbt.contract.settings.kubernetes import Artifacts, Settings
from podbt.contract.step import Step
from podbt.pod.patch import patched

MANAGED_BY: Final = "podbt"
_LABEL_CHARS: Final = 63
TRY_ID: Final = f"{constants.LABEL_PREFIX}/try-id"
"""Annotation: Airflow's own id of the try."""


def pod_name(identity: RunIdentity, instance: str) -> str:
    """The pod's name is its run's: a triggerer that restarts finds by it what it had created."""
    return run_name(identity, instance)


def build_pod(settings: Settings, step: Step, identity: RunIdentity) -> k8s.V1Pod:
    """Builds the pod that runs one try of a step.

    It passes the restricted Pod Security Standard: numeric non-root user, read-only root file system, no
    capabilities, no service account token. Credentials reach it as a mounted Secret or by reference, never by value.

    Args:
        settings: Where and with what it runs.
        step: The dbt command.
        identity: The Airflow task instance, which the runner writes into the run's record.

    Returns:
        A pod that may be created as it is.
    """
    return k8s.V1Pod(
        api_version="v1",
        kind="Pod",
        metadata=k8s.V1ObjectMeta(
            name=pod_name(identity, settings.instance),
            namespace=settings.namespace,
            labels={**settings.labels, **run_labels(identity, settings.instance)},
            annotations={**settings.annotations, **run_annotations(identity)},
        ),
        spec=k8s.V1PodSpec(
            restart_policy="Never",
            service_account_name=settings.service_account,
            automount_service_account_token=False,
            enable_service_links=False,
            termination_grace_period_seconds=settings.termination_grace_seconds,
            # The only limit that the cluster itself enforces, should nobody watch the pod any more.
            active_deadline_seconds=settings.run_timeout_seconds,
            image_pull_secrets=[k8s.V1LocalObjectReference(name=name) for name in settings.image_pull_secrets] or None,
            node_selector=settings.node_selector or None,
            tolerations=[k8s.V1Toleration(**item.model_dump(mode="json")) for item in settings.tolerations] or None,
            priority_class_name=settings.priority_class_name,
            affinity=settings.affinity.manifest() or None,
            topology_spread_constraints=[one.manifest() for one in settings.topology_spread_constraints] or None,
            security_context=k8s.V1PodSecurityContext(
                run_as_non_root=True,
                run_as_user=settings.pod_security.run_as_user,
                run_as_group=settings.pod_security.run_as_group,
                fs_group=settings.pod_security.fs_group,
                # Else the kubelet changes the owner of every artifact at every start.
                fs_group_change_policy="OnRootMismatch",
                seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault"),
            ),
            containers=[_container(settings, step, identity)],
            volumes=_volumes(settings),
        ),
    )


def pod_manifest(settings: Settings, step: Step, identity: RunIdentity) -> dict[str, Any]:
    """`build_pod` as the API takes it, with the settings' pod_patch merged in."""
    return patched(ApiClient().sanitize_for_serialization(build_pod(settings, step, identity)), settings.pod_patch)


def _container(settings: Settings, step: Step, identity: RunIdentity) -> k8s.V1Container:
    plain = run_environment(
        settings,
        step,
        identity,
        image=settings.image,
        artifacts=settings.artifacts,
        folder=constants.ARTIFACTS_PATH,
    )
    return k8s.V1Container(
        name=constants.CONTAINER_NAME,
        image=settings.image,
        image_pull_policy=settings.image_pull_policy.value,
        args=[_literal(word) for word in step.arguments(settings.target)],
        env=[k8s.V1EnvVar(name=name, value=_literal(value)) for name, value in plain.items()]
        + [
            k8s.V1EnvVar(
                name=item.name,
                value_from=k8s.V1EnvVarSource(secret_key_ref=k8s.V1SecretKeySelector(name=item.secret, key=item.key)),
            )
            for item in settings.secret_env
        ],
        resources=_resources(settings.resources),
        security_context=k8s.V1SecurityContext(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            run_as_non_root=True,
            capabilities=k8s.V1Capabilities(drop=["ALL"]),
            seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault"),
        ),
        termination_message_path=constants.TERMINATION_LOG,
        termination_message_policy="File",
        volume_mounts=[
            k8s.V1VolumeMount(name="scratch", mount_path=constants.SCRATCH_PATH),
            *_artifacts_mounts(settings.artifacts),
            k8s.V1VolumeMount(name="profiles", mount_path=constants.PROFILES_PATH, read_only=True),
            *(one.manifest() for one in settings.volume_mounts),
        ],
    )


def _literal(text: str) -> str:
    """A text as Kubernetes leaves it: $(NAME) in an argument or value would become that variable, also a secret one."""
    return text.replace("$", "$$") if "$(" in text or "$$" in text else text


def _volumes(settings: Settings) -> list[k8s.V1Volume]:
    secret = settings.profiles_secret
    return [
        k8s.V1Volume(name="scratch", empty_dir=k8s.V1EmptyDirVolumeSource(size_limit=settings.scratch_size_limit)),
        *_artifacts_volumes(settings.artifacts),
        k8s.V1Volume(
            name="profiles",
            secret=k8s.V1SecretVolumeSource(
                secret_name=secret.name,
                items=[k8s.V1KeyToPath(key=secret.key, path=constants.PROFILES_FILE)],
                default_mode=0o440,
            ),
        ),
        *(one.manifest() for one in settings.volumes),
    ]


def _artifacts_mounts(artifacts: Artifacts) -> list[k8s.V1VolumeMount]:
    if artifacts.claim is None:
        return []
    return [
        k8s.V1VolumeMount(name="artifacts", mount_path=constants.ARTIFACTS_PATH, sub_path=artifacts.sub_path or None)
    ]


def _artifacts_volumes(artifacts: Artifacts) -> list[k8s.V1Volume]:
    if artifacts.claim is None:
        return []
    claim = k8s.V1PersistentVolumeClaimVolumeSource(claim_name=artifacts.claim)
    return [k8s.V1Volume(name="artifacts", persistent_volume_claim=claim)]


def _resources(resources: Resources) -> k8s.V1ResourceRequirements:
    return k8s.V1ResourceRequirements(
        requests=resources.requests.model_dump(exclude_none=True) or None,
        limits=resources.limits.model_dump(exclude_none=True) or None,
    )


def run_labels(identity: RunIdentity, instance: str) -> dict[str, str]:
    """What people select by. Label values cannot hold every id, so the exact ids are annotations."""
    return {
        "app.kubernetes.io/name": "dbt",
        "app.kubernetes.io/component": "run",
        "app.kubernetes.io/managed-by": MANAGED_BY,
        constants.INSTANCE_LABEL: instance,
        f"{constants.LABEL_PREFIX}/dag-id": label_value(identity.dag_id),
        f"{constants.LABEL_PREFIX}/task-id": label_value(identity.task_id),
        f"{constants.LABEL_PREFIX}/run-id": label_value(identity.run_id),
        f"{constants.LABEL_PREFIX}/try-number": str(identity.try_number),
    }


def run_annotations(identity: RunIdentity) -> dict[str, str]:
    """The exact ids of what a pod runs for."""
    known = {TRY_ID: identity.try_id} if identity.try_id else {}
    return {
        **known,
        f"{constants.LABEL_PREFIX}/dag-id": identity.dag_id,
        f"{constants.LABEL_PREFIX}/run-id": identity.run_id,
        f"{constants.LABEL_PREFIX}/task-id": identity.task_id,
        f"{constants.LABEL_PREFIX}/map-index": str(identity.map_index),
        # Others may put containers of their own into the pod: `kubectl logs` shows this one.
        "kubectl.kubernetes.io/default-container": constants.CONTAINER_NAME,
    }


def label_value(text: str) -> str:
    """A text as a Kubernetes label value; what does not fit gets a short hash of the original."""
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-_.")
    if safe == text and len(safe) <= _LABEL_CHARS:
        return safe
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{safe[: _LABEL_CHARS - 9].strip('-_.')}-{digest}".lstrip("-")
