"""DbtOperator: one dbt command as an Airflow task, on whichever runtime the settings name."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pkgutil import resolve_name
from typing import Any, ClassVar

from airflow.sdk import AssetAlias, BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from airflow.triggers.base import StartTriggerArgs

from podbt.airflow.api import identity_of
from podbt.airflow.assets import ALIAS, emit
from podbt.airflow.catalog import page_of
from podbt.airflow.pods.progress import PodProgress
from podbt.airflow.resolve import checked_overrides, resolve, resolve_settings
from podbt.airflow.runtimes import Run, run_of
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus, Runtime
from podbt.contract.names import run_name
from podbt.contract.outcome import Outcome, failure
from podbt.contract.record import Summary, to_json
from podbt.contract.settings import AnySettings
from podbt.contract.step import Step
from podbt.errors import PodbtError

_NOTHING = "The selection matches nothing, which this task allows: there was nothing to do."


class DbtOperator(BaseOperator):
    """Runs one dbt command: in a pod, in a container of a Docker host, or in a process beside the worker.

    The task says what runs; where it runs comes from the settings file, read when it runs. The scheduler hands the task
    to the triggerer. On Kubernetes its trigger creates the pod, follows it and ends the task, without any worker. On
    the other runtimes it sends the task on to a worker, which starts dbt and watches it. The run's summary is the
    task's XCom.

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
        settings: Keys of the settings file to replace for this task, e.g. its resources. Those that another runtime
            than the file's has are passed over.
        deferrable: True (default): as above. False: straight to a worker, which waits for the pod, too.
        kwargs: BaseOperator's arguments. execution_timeout becomes the run's own deadline, which leaves dbt time to
            cancel its queries. Without doc_md the page of a build says what it builds and reads, where a plan does.

    Raises:
        ConfigError: The arguments make no dbt command.
    """

    template_fields: Sequence[str] = ("step",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"step": "json"}
    start_from_trigger = True
    # Its name alone: it brings the Kubernetes client, which parsing a DAG file does not need.
    trigger_path: ClassVar[str] = "podbt.airflow.trigger.DbtPodTrigger"
    events: ClassVar[bool] = False
    ui_color = "#ff694b"
    ui_fgcolor = "#ffffff"
    doc_md: str | None

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
        overrides = checked_overrides(settings, kwargs.pop("execution_timeout", None))
        super().__init__(**kwargs)
        if self.doc_md is None:
            self.doc_md = page_of(step)
        self.deferrable = deferrable
        self._run: Run | None = None
        self._stopped = False
        self.step = step
        self.assets = assets
        self.overrides = overrides
        if not any("{{" in str(value) for value in step.values()):
            Step.from_dict(step)
        self.start_from_trigger = deferrable
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=self.trigger_path,
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
        """Runs where there is a worker from the start: `dag.test()`, or deferrable=False."""
        try:
            settings = resolve_settings(self.overrides)
        except PodbtError as error:
            return self._refuse(context, error)
        if self.deferrable and settings.runtime == Runtime.KUBERNETES:
            self._defer(context)
        return self._run_here(context)

    def _defer(self, context: Any) -> None:
        arguments = {**(self.start_trigger_args.trigger_kwargs or {}), "step": self.step}
        arguments["identity"] = to_json(identity_of(context["ti"]))
        self.defer(trigger=resolve_name(self.trigger_path)(**arguments), method_name="resume")

    @staticmethod
    def resolve(fields: Mapping[str, Any], overrides: Mapping[str, Any]) -> tuple[AnySettings, Step]:
        """Reads the settings, and refuses those of a runtime that this operator does not run on."""
        return resolve(fields, overrides)

    def _run_here(self, context: Any) -> Any:
        identity = identity_of(context["ti"])
        told = PodProgress(name=run_name(identity), created=datetime.now(UTC))
        try:
            settings, step = self.resolve(self.step, self.overrides)
            self._run = run_of(settings, step, identity, self.log, told.feed)
            if self._stopped:
                self._run.stop()
            outcome = self._run.execute()
        except PodbtError as error:
            return self._refuse(context, error)
        if self._stopped:
            # Airflow's own operators go on to succeed here (apache/airflow#73006): nothing after on_kill() looks like a
            # failure to it.
            raise AirflowException("The worker was told to stop while dbt ran, and dbt with it.")
        return self._end(context, outcome, told.built_nodes(outcome.summary))

    def on_kill(self) -> None:
        """The worker got SIGTERM: dbt is told to cancel its queries and end."""
        self._stopped = True
        if self._run is not None:
            self._run.stop()

    def resume(self, context: Any, event: Any = None) -> Any:
        """Goes on after the trigger: runs dbt, where that is a worker's to do.

        Else it ends the task where only a worker gives callbacks, asset events or a failure without retries.
        """
        if isinstance(event, Mapping) and "runtime" in event:
            return self._run_here(context)
        if isinstance(event, Mapping):
            summary = Summary.parse(dict(event["summary"]), source="trigger event")
            outcome = Outcome(summary=summary, retryable=bool(event["retryable"]), shown=bool(event.get("shown")))
            return self._end(context, outcome, event.get("built") or [])
        if str(event) == RunStatus.SUCCESS:  # dag.test() passes on the state where the trigger ended the task
            return None
        if str(event) == RunStatus.SKIPPED:
            raise AirflowSkipException(_NOTHING)
        raise AirflowException("The dbt step failed; its log says why.")

    def _refuse(self, context: Any, error: PodbtError) -> Any:
        """Ends the task as one that no retry can help."""
        return self._end(context, failure(ExitReason.CONFIG_ERROR, str(error)), [])

    def _end(self, context: Any, outcome: Outcome, built: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        if outcome.ok:
            if self.assets:
                self.log.info("%d asset events", emit(context, built))
            return to_json(outcome.summary)
        if outcome.skipped:
            raise AirflowSkipException(_NOTHING)
        leave_summary(context, to_json(outcome.summary), self.log)
        error = AirflowException if outcome.retryable else AirflowFailException
        raise error(outcome.line) from None


def leave_summary(context: Any, summary: Mapping[str, Any], log: Any) -> None:
    """The XCom of a task that a worker is about to fail: Airflow keeps none of what raises, and notifications read it.

    Never raises: the failure that is to be told must not turn into another one.
    """
    try:
        context["ti"].xcom_push("return_value", summary)
    except Exception:
        log.warning("The summary of this failure could not be left as an XCom", exc_info=True)
