"""For teams that run the project by Astronomer Cosmos: the pods of its KUBERNETES mode as podbt's own are.

Imports nothing of Cosmos: what it needs is plain KubernetesPodOperator arguments.
"""

import gzip
import hashlib
import tempfile
from pathlib import Path
from typing import Any

from kubernetes.client import models as k8s

from podbt import constants
from podbt.airflow import catalog
from podbt.airflow.resolve import pod_settings
from podbt.airflow.signed import require_signed
from podbt.contract.plans import MANIFEST, is_folder
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
    """The manifest that lies beside the plan, as the dbt image baked both; None where Airflow has none.

    Beside the plans of a folder it is packed: Cosmos gets a copy, made once for each content and process's temporary
    folder.
    """
    if catalog.plan() is None:
        return None
    plan = str(load_settings().plan)
    if not is_folder(plan):
        manifest = Path(plan).with_name(constants.MANIFEST_FILE)
        return manifest if manifest.is_file() else None
    try:
        packed = Path(plan, MANIFEST).read_bytes()
    except FileNotFoundError:
        return None
    copy = Path(tempfile.gettempdir(), f"podbt-manifest-{hashlib.sha256(packed).hexdigest()[:16]}.json")
    if not copy.exists():
        with tempfile.NamedTemporaryFile(dir=copy.parent, delete=False) as file:
            file.write(gzip.decompress(packed))
        Path(file.name).replace(copy)  # other processes parse the same DAG file
    return copy


def profiles_path() -> Path:
    """Where a pod finds its profiles.yml; Cosmos wants to be told, and does not read it in this mode."""
    return Path(constants.PROFILES_PATH) / constants.PROFILES_FILE


def operator_args(settings: Settings | None = None) -> dict[str, Any]:
    """Cosmos' `operator_args`: image, Secret, volumes, limits and security of the settings, read when called.

    The image's entry point stays, so that each of Cosmos' pods publishes a record as every run does. The pod travels as
    `full_pod_spec`, since Cosmos drops references to Secrets from `env_vars`.
    """
    settings = settings or pod_settings({})
    require_signed(settings)
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
