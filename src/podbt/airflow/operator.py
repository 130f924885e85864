"""DbtOperator: one dbt command as an Airflow task, on whichever runtime the settings name.

What it imports at the top, each parse of a DAG file pays for. What runs a step and ends its task is imported there.
"""

from collections.abc import Iterable, Mapping, Sequence
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import AssetAlias, BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowSkipException
from airflow.triggers.base import StartTriggerArgs

from podbt.airflow.api import identity_of, tries_again
from podbt.airflow.assets import ALIAS
from podbt.airflow.awaited import awaits, plain
from podbt.airflow.links import RunPageLink, enabled
from podbt.airflow.overrides import checked_overrides
from podbt.airflow.supported import STARTS_IN_TRIGGER
from podbt.contract.kinds import Command, RunStatus, Runtime
from podbt.contract.settings.files import check_project, of_project, settings_file
from podbt.contract.step import Step
from podbt.errors import ConfigError, EmptySelectionError, PodbtError

if TYPE_CHECKING:
    from podbt.airflow.runtimes import Run

_LISTS = frozenset({"select", "exclude", "flags", "vars", "env"})
"""Fields of a step that may be empty."""

_WORDS = frozenset({"select", "exclude", "flags"})


class DbtOperator(BaseOperator):
    """Runs one dbt command: in a pod, in a container of a Docker host, or in a process beside the worker.

    The task says what runs; where it runs comes from the settings file, read when it runs. The scheduler hands the task
    to the triggerer. On Kubernetes its trigger creates the pod, follows it and ends the task, without any worker. On
    the other runtimes it sends the task on to a worker, which starts dbt and watches it. The run's summary is the
    task's XCom.

    Failures that a retry cannot help (wrong configuration or credentials, a missing Secret, an empty selection) fail
    the task at once; all others go through the task's retries.

    Args:
        command: The dbt command: build (the default), run, test, seed, snapshot, compile, source freshness, docs
            generate, run-operation.
        commands: Several commands instead of one, run in this order in one container, with a record each. A command is
            a line as people type it, "dbt run --select tag:daily", or a mapping of this operator's own arguments
            (command, select, exclude, selector, vars, full_refresh, target, flags, state, defer, favor_state). vars
            and target may stand beside it, for all that have none. A retry goes on behind those that ended well.
            Templated.
        keep_going: Whether the commands behind one that failed run, too. The task fails in any case.
        select: dbt's --select. A string is split at spaces, as dbt's command line does. Templated. An empty list
            selects nothing; leave it out for the whole project.
        exclude: dbt's --exclude. Templated.
        selector: dbt's --selector: a name from selectors.yml. Templated.
        vars: dbt's --vars. Templated. Visible in the pod's spec: not for secrets.
        env: Plain variables of dbt's environment, beside the settings'. Templated. Visible in the pod's spec: not for
            secrets.
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
        project: The dbt project, where this Airflow runs several: a folder beside the settings file, with settings of
            its own (docs/existing-airflow.md).
        settings: Keys of the settings file to replace for this task, e.g. its resources. Those that another runtime
            than the file's has are passed over. Templated.
        deferrable: True (default): as above. False: straight to a worker, which waits for the pod, too.
        kwargs: BaseOperator's arguments. execution_timeout becomes the run's own deadline, which leaves dbt time to
            cancel its queries. Without doc_md the page of a build says what it builds and reads, where a plan does.

    Whatever is templated may also be what another task returns. Then the task starts on a worker, which knows that.

    Raises:
        ConfigError: The arguments make no dbt command.
    """

    template_fields: Sequence[str] = ("step", "overrides")
    template_ext: Sequence[str] = ()  # no field is the name of a file: DbtPodOperator's other parent has some
    template_fields_renderers: ClassVar[dict[str, str]] = {"step": "json", "overrides": "json"}
    start_from_trigger = True
    # Its name alone: it brings the Kubernetes client, which parsing a DAG file does not need.
    trigger_path: ClassVar[str] = "podbt.airflow.trigger.DbtPodTrigger"
    events: ClassVar[bool] = False
    pods_alone: ClassVar[bool] = False
    """Whether settings of another runtime are refused."""
    operator_extra_links: ClassVar[tuple[Any, ...]] = (RunPageLink(),) if enabled() else ()
    ui_color = "#ff694b"
    ui_fgcolor = "#ffffff"
    doc_md: str | None

    def __init__(
        self,
        *,
        command: str | None = None,
        commands: Iterable[str | Mapping[str, Any]] | None = None,
        keep_going: bool = False,
        select: str | Iterable[str] | None = None,
        exclude: str | Iterable[str] = (),
        selector: str | None = None,
        vars: Mapping[str, Any] | None = None,  # noqa: A002 - dbt's own word
        env: Mapping[str, Any] | None = None,
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
        project: str | None = None,
        settings: Mapping[str, Any] | None = None,
        deferrable: bool = True,
        **kwargs: Any,
    ) -> None:
        # Lists and mappings stay the objects they are: a value that a mapped task got is rendered no second time.
        given = {
            "command": command or (None if commands is not None else Command.BUILD.value),
            "commands": _words(commands),
            "keep_going": keep_going,
            "select": _words(select),
            "exclude": _words(exclude),
            "selector": selector,
            "vars": _mapping(vars),
            "env": _mapping(env),
            "full_refresh": full_refresh,
            "target": target,
            "flags": _words(flags),
            "allow_empty": allow_empty,
            "state": state,
            "defer": defer,
            "favor_state": favor_state,
            "on_missing_state": on_missing_state,
            "freshness": freshness,
            "plan_hash": plan_hash,
        }
        step: dict[str, Any] = {key: value for key, value in given.items() if value}
        if select is not None and given["select"] == []:
            step["select"] = []
        if commands is not None:
            step["commands"] = given["commands"]
        if resume is not True:  # the default stays out of the serialized DAG
            step["resume"] = resume
        if assets:
            kwargs["outlets"] = [*(kwargs.get("outlets") or ()), AssetAlias(ALIAS)]
        if assets or self.events:
            step["events"] = True
        timeout = kwargs.pop("execution_timeout", None)
        check_project(project)
        # What neither another task nor a template says.
        self._fixed = {**checked_overrides(None, timeout), **of_project(project)}
        whole = awaits(settings) and not isinstance(settings, Mapping)
        overrides: Any = settings if whole else {**checked_overrides(settings, None), **self._fixed}
        awaiting = awaits([step, overrides])
        super().__init__(**kwargs)
        if self.doc_md is None and not awaiting:
            self.doc_md = _page(step, project)
        self.deferrable = deferrable
        self._run: Run | None = None
        self._stopped = False
        self.step = step
        self.assets = assets
        self.overrides = overrides
        self._awaited = frozenset(name for name, value in step.items() if awaits(value))
        if not awaiting and not any("{{" in str(value) for value in step.values()):
            _check(step)
        self.start_from_trigger = deferrable and not awaiting
        if self.start_from_trigger:
            self.start_trigger_args = StartTriggerArgs(
                trigger_cls=self.trigger_path, next_method="resume", trigger_kwargs=self._arguments(step, overrides)
            )

    def _arguments(self, step: dict[str, Any], overrides: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The trigger's."""
        # Airflow runs no success callback and emits no asset event for a task that ends in its trigger.
        to_end = bool(self.outlets or self.on_success_callback)
        return {"step": step, "overrides": overrides, "identity": None, "resume_to_end": to_end, **more}

    def execute(self, context: Any) -> Any:
        """Runs where there is a worker from the start: Airflow 3.2, `dag.test()`, or deferrable=False."""
        from podbt.airflow import worker  # noqa: PLC0415 - see the top

        try:
            step, overrides = self._rendered()
            runtime = worker.runtime_of(overrides)
        except PodbtError as error:
            return worker.refuse(context, error, self.log)
        if self.deferrable and runtime == Runtime.KUBERNETES:
            arguments = self._arguments(step, overrides, **self._known_here(context["ti"]))
            self.defer(trigger=resolve_name(self.trigger_path)(**arguments), method_name="resume")
        return self._run_here(context)

    def _known_here(self, task_instance: Any) -> dict[str, Any]:
        """What a worker tells the trigger, which may not find it out."""
        from podbt.airflow.observe import lineage  # noqa: PLC0415 - see the top
        from podbt.contract.record import to_json  # noqa: PLC0415 - see the top

        again = not STARTS_IN_TRIGGER and tries_again(task_instance)
        known = {"identity": to_json(identity_of(task_instance)), "fail_on_worker": again}
        # What Airflow's lineage provider has begun to tell on a worker, it ends there.
        return {**known, "resume_to_end": True} if lineage.enabled() else known

    def _rendered(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Step and settings as a worker has rendered them.

        Raises:
            ConfigError: Another task left nothing where a value was to come from it: without one the step would be
                another.
        """
        step: dict[str, Any] = plain(self.step)
        for name in sorted(self._awaited):
            if step[name] is None or (step[name] == "" and name not in _LISTS):
                raise ConfigError(f"{name} is what another task returns, and that task returned nothing.")
        for name in _WORDS & set(step):  # one word of a list may be another task's list
            step[name] = _flat(step[name])
        if "select" in self._awaited and not step["select"]:
            step["select"] = []
        given = {key: value for key, value in plain(self.overrides).items() if key not in self._fixed}
        return step, {**checked_overrides(given, None), **self._fixed}

    def _run_here(self, context: Any) -> Any:
        from podbt.airflow import worker  # noqa: PLC0415 - see the top

        try:
            given = self._rendered()
            outcome, built = worker.run(
                *given, context["ti"], self.log, pods_alone=self.pods_alone, started=self._started
            )
        except PodbtError as error:
            return worker.refuse(context, error, self.log)
        if self._stopped:
            # Airflow's own operators go on to succeed here (apache/airflow#73006): nothing after on_kill() looks like a
            # failure to it.
            raise AirflowException("The worker was told to stop while dbt ran, and dbt with it.")
        return worker.end(context, outcome, self.log, built=built if self.assets else None)

    def _started(self, run: "Run") -> None:
        self._run = run
        if self._stopped:
            run.stop()

    def on_kill(self) -> None:
        """The worker got SIGTERM: dbt is told to cancel its queries and end."""
        self._stopped = True
        if self._run is not None:
            self._run.stop()

    def resume(self, context: Any, event: Any = None) -> Any:
        """Goes on after the trigger: runs dbt, where that is a worker's to do.

        Else it ends the task where only a worker gives callbacks, asset events or a failure without retries.
        """
        from podbt.airflow import worker  # noqa: PLC0415 - see the top

        if isinstance(event, Mapping) and "runtime" in event:
            return self._run_here(context)
        if isinstance(event, Mapping):
            built = event.get("built") or []
            return worker.end(context, worker.told(event), self.log, built=built if self.assets else None)
        if str(event) == RunStatus.SUCCESS:  # dag.test() passes on the state where the trigger ended the task
            return None
        if str(event) == RunStatus.SKIPPED:
            raise AirflowSkipException(worker.NOTHING)
        raise AirflowException("The dbt step failed; its log says why.")


def _mapping(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) and not isinstance(value, dict) else value


def _flat(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [word for one in value for word in (one if isinstance(one, list) else [one])]


def _check(fields: Mapping[str, Any]) -> None:
    """Judges a step when its DAG is parsed."""
    try:
        Step.from_dict(fields)
    except EmptySelectionError as error:
        if not error.allowed:
            raise


def _words(value: Any) -> Any:
    """Words that a DAG file gives; what only a run knows stays as it is."""
    return value if value is None or isinstance(value, str | list) or awaits(value) else list(value)


def _page(step: Mapping[str, Any], project: str | None) -> str | None:
    """The page of a step, where this machine has settings: without them nothing is known of a plan."""
    try:
        known = settings_file(project).exists()
    except ConfigError:
        return None
    if not known:
        return None
    from podbt.airflow.catalog import page_of  # noqa: PLC0415 - see the top: it brings what reads settings and plans

    return page_of(step, project)
