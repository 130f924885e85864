"""DbtPodOperator: DbtOperator bound to Kubernetes, and a KubernetesPodOperator to Airflow."""

from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

from podbt.airflow.operator import DbtOperator
from podbt.errors import ConfigError

_OWN_WAY = frozenset(
    {
        "arguments", "cmds", "container_resources", "env_from", "env_vars", "full_pod_spec", "image", "namespace",
        "pod_template_dict", "pod_template_file", "secrets", "service_account_name", "volume_mounts", "volumes",
    }
)  # fmt: skip
"""KubernetesPodOperator's arguments that the pod builder decides here: accepting and ignoring them would mislead."""


class DbtPodOperator(DbtOperator, KubernetesPodOperator):
    """Runs one dbt command in a pod of the dbt image, and nowhere else.

    Takes DbtOperator's arguments, and those of KubernetesPodOperator that are not the pod's own. With settings of
    another runtime it fails, naming that.

    Raises:
        ConfigError: The arguments make no dbt command, or are KubernetesPodOperator's own.
    """

    pods_alone = True

    def __init__(self, *, deferrable: bool = True, **kwargs: Any) -> None:
        if mistaken := sorted(_OWN_WAY & set(kwargs)):
            raise ConfigError(f"DbtPodOperator takes no {', '.join(mistaken)}. Use settings={{…}} for this task's pod.")
        super().__init__(deferrable=deferrable, **kwargs)
