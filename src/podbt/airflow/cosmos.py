"""For teams that run the project by Astronomer Cosmos: the pods of its KUBERNETES mode as podbt's own are.

Imports nothing of Cosmos: what it needs is plain KubernetesPodOperator arguments.
"""

from pathlib import Path
from typing import Any

from kubernetes.client import models as k8s

from podbt import constants
from podbt.airflow import catalog
from podbt.airflow.resolve import pod_settings
from podbt.contract.record import RunIdentity
from podbt.contract.settings.kubernetes import Settings
from podbt.contract.settings.load import load_settings
from podbt.contract.step import Step
from podbt.pod.build import build_pod

_IDENTITY = {
    constants.ENV_DAG_ID: "{{ dag.dag_id }}",
    constants.ENV_RUN_ID: "{{ run_id }}",
    constants.ENV_TASK_ID: "{{ ti.task_id }}",
    constants.ENV_MAP_INDEX: "{{ ti.map_index }}",
    constants.ENV_TRY_NUMBER: "{{ ti.try_number }}",
}


def manifest_path() -> Path | None:
    """The manifest that lies beside the plan, as the dbt image baked both; None where Airflow has none."""
    if catalog.plan() is None:
        return None
    manifest = Path(str(load_settings().plan)).with_name(constants.MANIFEST_FILE)
    return manifest if manifest.is_file() else None


def profiles_path() -> Path:
    """Where a pod finds its profiles.yml; Cosmos wants to be told, and does not read it in this mode."""
    return Path(constants.PROFILES_PATH) / constants.PROFILES_FILE


def operator_args(settings: Settings | None = None) -> dict[str, Any]:
    """Cosmos' `operator_args`: image, Secret, volumes, limits and security of the settings, read when called.

    The image's entry point stays, so that each of Cosmos' pods publishes a record as every run does. The pod travels as
    `full_pod_spec`, since Cosmos drops references to Secrets from `env_vars`.
    """
    settings = settings or pod_settings({})
    pod = build_pod(settings, Step(), RunIdentity(dag_id="-", run_id="-", task_id="-"))
    container = pod.spec.containers[0]
    container.args = None
    container.env = [variable for variable in container.env if variable.name not in _IDENTITY]
    pod.metadata = k8s.V1ObjectMeta(
        labels={k: v for k, v in pod.metadata.labels.items() if not k.startswith(constants.LABEL_PREFIX)},
        annotations=settings.annotations,
    )
    return {
        "full_pod_spec": pod,
        "namespace": settings.namespace,
        "base_container_name": constants.CONTAINER_NAME,
        "env_vars": [k8s.V1EnvVar(name=name, value=template) for name, template in _IDENTITY.items()],
        "startup_timeout_seconds": settings.startup_timeout_seconds,
        "termination_grace_period": settings.termination_grace_seconds,
        "automount_service_account_token": False,
        "get_logs": True,
        "log_pod_spec_on_failure": False,
        "log_events_on_failure": True,
        "do_xcom_push": False,
        # Deferred, a short pod's task may be failed falsely (apache/airflow#72716).
        "deferrable": False,
    }
