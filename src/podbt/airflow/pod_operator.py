"""DbtPodOperator: DbtOperator bound to Kubernetes, and a KubernetesPodOperator to Airflow."""

from collections.abc import Mapping
from typing import Any, ClassVar

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

from podbt.airflow.operator import DbtOperator
from podbt.airflow.resolve import pod_settings
from podbt.airflow.trigger import DbtPodTrigger
from podbt.errors import ConfigError, PodbtError

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

    trigger_class: ClassVar[type[DbtPodTrigger]] = DbtPodTrigger

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.trigger_path = f"{cls.trigger_class.__module__}.{cls.trigger_class.__qualname__}"

    def __init__(self, *, deferrable: bool = True, **kwargs: Any) -> None:
        if mistaken := sorted(_OWN_WAY & set(kwargs)):
            raise ConfigError(f"DbtPodOperator takes no {', '.join(mistaken)}. Use settings={{…}} for this task's pod.")
        super().__init__(deferrable=deferrable, **kwargs)

    def execute(self, context: Any) -> Any:
        """Runs where there is a worker after all: `dag.test()`, or deferrable=False."""
        try:
            pod_settings(self.overrides)
        except PodbtError as error:
            return self._refuse(context, error)
        return super().execute(context)

    def resume(self, context: Any, event: Any = None) -> Any:
        """Ends the task on a worker; see DbtOperator."""
        if isinstance(event, Mapping) and "runtime" in event:
            return self.execute(context)  # which says why it cannot
        return super().resume(context, event)
