"""DbtPodOperator: DbtOperator bound to Kubernetes, and a KubernetesPodOperator to Airflow."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk.exceptions import AirflowException
from kubernetes.client import ApiClient, V1Pod

from podbt.airflow import cluster
from podbt.airflow.catalog import fit
from podbt.airflow.follow import PodFollower
from podbt.airflow.operator import DbtOperator
from podbt.airflow.progress import PodProgress
from podbt.airflow.resolve import identity_of, pod_settings, resolve_step
from podbt.airflow.trigger import DbtPodTrigger
from podbt.contract.outcome import Outcome
from podbt.contract.settings import Settings
from podbt.errors import ConfigError, PodbtError
from podbt.pod.build import build_pod

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
            resolved = pod_settings(self.overrides)
            if self.deferrable:
                self._defer(context)
            step = resolve_step(self.step, resolved)
            resolved = fit(resolved, step)
            self.pod = build_pod(resolved, step, identity_of(context["ti"]))
        except PodbtError as error:
            return self._refuse(context, error)
        told = PodProgress(name=self.pod.metadata.name, created=datetime.now(UTC))
        outcome = asyncio.run(self._wait(resolved, self.pod, told))
        if self._killed:
            # Airflow's own operator goes on to succeed here (apache/airflow#73006): SIGTERM made on_kill delete the
            # pod, and nothing after that looks like a failure.
            raise AirflowException("The worker was told to stop while dbt ran; the pod was deleted.")
        return self._end(context, outcome, told.built_nodes(outcome.summary))

    def resume(self, context: Any, event: Any = None) -> Any:
        """Ends the task on a worker; see DbtOperator."""
        if isinstance(event, Mapping) and "runtime" in event:
            return self.execute(context)  # which says why it cannot
        return super().resume(context, event)

    def on_kill(self) -> None:
        """Deletes the pod, as KubernetesPodOperator does."""
        KubernetesPodOperator.on_kill(self)

    async def _wait(self, settings: Settings, pod: V1Pod, told: PodProgress) -> Outcome:
        follower = PodFollower(settings, ApiClient().sanitize_for_serialization(pod), self.log, told.feed)
        try:
            try:
                return await follower.follow()
            finally:
                if not self._killed:
                    await follower.delete(now=True)
        finally:
            await cluster.disconnect()
