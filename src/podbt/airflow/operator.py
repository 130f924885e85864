"""DbtPodOperator: one dbt command in one pod, as an Airflow task."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import AssetAlias
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from airflow.triggers.base import StartTriggerArgs
from kubernetes.client import ApiClient, V1Pod

from podbt.airflow import cluster
from podbt.airflow.assets import ALIAS, emit
from podbt.airflow.catalog import fit
from podbt.airflow.follow import PodFollower
from podbt.airflow.progress import PodProgress
from podbt.airflow.trigger import DbtPodTrigger, identity_of, resolve_settings, resolve_step
from podbt.contract.record import Summary, to_json
from podbt.contract.settings import Settings
from podbt.contract.step import Step
from podbt.errors import ConfigError, PodbtError
from podbt.pod.build import build_pod
from podbt.pod.state import Outcome

_OWN_WAY = frozenset(
    {
        "arguments", "cmds", "container_resources", "env_from", "env_vars", "full_pod_spec", "image", "namespace",
        "pod_template_dict", "pod_template_file", "secrets", "service_account_name", "volume_mounts", "volumes",
    }
)  # fmt: skip
"""KubernetesPodOperator's arguments that the pod builder decides here: accepting and ignoring them would mislead."""

_NOTHING = "The selection matches nothing, which this task allows: there was nothing to do."


class DbtPodOperator(KubernetesPodOperator):
    """Runs one dbt command in a pod of the dbt image.

    The task says what runs; where it runs comes from the settings file, read where the pod is created. By default no
    worker is involved: the scheduler hands the task to the triggerer, whose trigger creates the pod, follows it and
    ends the task. The run's summary is the task's XCom.

    Failures that a retry cannot help (wrong configuration or credentials, a missing Secret, an empty selection) fail
    the task at once; all others go through the task's retries.

    Args:
        command: The dbt command: build, run, test, seed, snapshot, compile, source freshness, docs generate,
            run-operation.
        select: dbt's --select. A string is split at spaces, as dbt's command line does. Templated.
        exclude: dbt's --exclude. Templated.
        selector: dbt's --selector: a name from selectors.yml. Templated.
        vars: dbt's --vars. Templated. Visible in the pod's spec: not for secrets.
        full_refresh: dbt's --full-refresh. Templated.
        target: Another dbt target than the settings'. Templated.
        flags: More of dbt's own flags. Templated.
        resume: Let a try go on where an earlier one stopped. Templated. False: every try runs in full.
        allow_empty: Let a selection that matches nothing skip the task, instead of failing it.
        state: The state to compare with (state:modified+ …) and to defer to: the name of a target, for its last
            complete build, or "<target>:latest-success", for its last run that succeeded. Templated.
        defer: dbt's --defer: read what is not selected from where the state's target built it. Templated.
        favor_state: dbt's --favor-state. Templated.
        on_missing_state: Where there is no such state yet: "fail" (default), or "full" for everything that the
            selection could match. Templated.
        freshness: Look at the sources first, in the result of an earlier step of the DAG run or else in the pod. Where
            one is too old, "gate" runs nothing and fails, "exclude" leaves out what descends from it. Templated.
        assets: Emit one asset event for each model, seed and snapshot that a successful run built, which takes a
            worker for a few seconds at the end. See `podbt.airflow.assets.dbt_asset`.
        plan_hash: The plan that the task was made from, which its image has to have. By default the settings' plan of
            when the pod is made.
        settings: Fields of `podbt.contract.settings.Settings` to replace for this task, e.g. its resources.
        deferrable: True (default): as above. False: a worker waits for the pod.
        kwargs: BaseOperator's arguments. execution_timeout becomes the pod's own deadline, which the cluster enforces
            and which leaves dbt time to cancel its queries.

    Raises:
        ConfigError: The arguments make no dbt command, or are KubernetesPodOperator's own.
    """

    template_fields: Sequence[str] = ("step",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"step": "json"}
    start_from_trigger = True
    trigger_class: ClassVar[type[DbtPodTrigger]] = DbtPodTrigger
    events: ClassVar[bool] = False
    ui_color = "#ff694b"
    ui_fgcolor = "#ffffff"

    def __init__(
        self,
        *,
        command: str = "build",
        select: str | Iterable[str] = (),
        exclude: str | Iterable[str] = (),
        selector: str | None = None,
        vars: Mapping[str, Any] | None = None,  # noqa: A002 - dbt's own word
        full_refresh: bool | str = False,
        target: str | None = None,
        flags: Iterable[str] = (),
        allow_empty: bool = False,
        resume: bool | str = True,
        state: str | None = None,
        defer: bool | str = False,
        favor_state: bool | str = False,
        on_missing_state: str | None = None,
        freshness: str | None = None,
        plan_hash: str | None = None,
        assets: bool = False,
        settings: Mapping[str, Any] | None = None,
        deferrable: bool = True,
        **kwargs: Any,
    ) -> None:
        if mistaken := sorted(_OWN_WAY & set(kwargs)):
            raise ConfigError(f"DbtPodOperator takes no {', '.join(mistaken)}. Use settings={{…}} for this task's pod.")
        given = {
            "command": command,
            "select": select if isinstance(select, str) else list(select),
            "exclude": exclude if isinstance(exclude, str) else list(exclude),
            "selector": selector,
            "vars": dict(vars or {}),
            "full_refresh": full_refresh,
            "target": target,
            "flags": list(flags),
            "allow_empty": allow_empty,
            "state": state,
            "defer": defer,
            "favor_state": favor_state,
            "on_missing_state": on_missing_state,
            "freshness": freshness,
            "plan_hash": plan_hash,
        }
        step: dict[str, Any] = {key: value for key, value in given.items() if value}
        if resume is not True:  # the default stays out of the serialized DAG
            step["resume"] = resume
        if assets:
            kwargs["outlets"] = [*(kwargs.get("outlets") or ()), AssetAlias(ALIAS)]
        if assets or self.events:
            step["events"] = True
        overrides = _overrides(settings, kwargs.pop("execution_timeout", None))
        super().__init__(deferrable=deferrable, **kwargs)
        self.step = step
        self.assets = assets
        self.overrides = overrides
        if not any("{{" in str(value) for value in step.values()):
            Step.from_dict(step)
        self.start_from_trigger = deferrable
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=f"{self.trigger_class.__module__}.{self.trigger_class.__qualname__}",
            next_method="resume",
            trigger_kwargs={
                "step": step,
                "overrides": overrides,
                "identity": None,
                # Airflow runs no success callback and emits no asset event for a task that ends in its trigger.
                "resume_to_end": bool(self.outlets or self.on_success_callback),
            },
        )

    def execute(self, context: Any) -> Any:
        """Runs where there is a worker after all: `dag.test()`, or deferrable=False."""
        identity = identity_of(context["ti"])
        if self.deferrable:
            arguments = {**(self.start_trigger_args.trigger_kwargs or {}), "step": self.step}
            arguments["identity"] = to_json(identity)
            self.defer(trigger=self.trigger_class(**arguments), method_name="resume")
        try:
            resolved = resolve_settings(self.overrides)
            step = resolve_step(self.step, resolved)
            resolved = fit(resolved, step)
            self.pod = build_pod(resolved, step, identity)
        except PodbtError as error:
            raise AirflowFailException(str(error)) from None
        told = PodProgress(name=self.pod.metadata.name, created=datetime.now(UTC))
        outcome = asyncio.run(self._wait(resolved, self.pod, told))
        if self._killed:
            # Airflow's own operator goes on to succeed here (apache/airflow#73006): SIGTERM made on_kill delete the
            # pod, and nothing after that looks like a failure.
            raise AirflowException("The worker was told to stop while dbt ran; the pod was deleted.")
        return self._end(context, outcome, told.built_nodes(outcome.summary))

    async def _wait(self, settings: Settings, pod: V1Pod, told: PodProgress) -> Outcome:
        follower = PodFollower(settings, ApiClient().sanitize_for_serialization(pod), self.log, told.feed)
        try:
            outcome = await follower.follow()
            if not self._killed:
                await follower.delete(now=True)
            return outcome
        finally:
            await cluster.disconnect()

    def resume(self, context: Any, event: Any = None) -> Any:
        """Ends the task on a worker, where only that gives callbacks, asset events or a failure without retries."""
        if isinstance(event, Mapping):
            summary = Summary.parse(dict(event["summary"]), source="trigger event")
            outcome = Outcome(summary=summary, retryable=bool(event["retryable"]), shown=bool(event.get("shown")))
            return self._end(context, outcome, event.get("built") or [])
        if str(event) == "success":  # dag.test() passes on the state where the trigger ended the task
            return None
        if str(event) == "skipped":
            raise AirflowSkipException(_NOTHING)
        raise AirflowException("The dbt step failed; its log says why.")

    def _end(self, context: Any, outcome: Outcome, built: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        if outcome.ok:
            if self.assets:
                self.log.info("%d asset events", emit(context, built))
            return to_json(outcome.summary)
        if outcome.skipped:
            raise AirflowSkipException(_NOTHING)
        error = AirflowException if outcome.retryable else AirflowFailException
        raise error(outcome.line)


def _overrides(settings: Mapping[str, Any] | None, timeout: Any) -> dict[str, Any]:
    overrides = dict(settings or {})
    if unknown := sorted(set(overrides) - set(Settings.model_fields)):
        raise ConfigError(f"settings: {', '.join(unknown)} is not a known key; remove it.")
    if timeout is not None:
        overrides["run_timeout_seconds"] = int(timeout.total_seconds())
    return overrides
