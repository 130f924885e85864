"""What a step's task does on a worker: it runs dbt there, or ends what its trigger has left to a worker."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from podbt.airflow.api import identity_of, leave_summary
from podbt.airflow.assets import emit
from podbt.airflow.observe.told import told as told_of
from podbt.airflow.pods.progress import PodProgress
from podbt.airflow.resolve import resolve, resolve_pod, resolve_settings
from podbt.airflow.runtimes import Run, run_of
from podbt.contract.kinds import Runtime
from podbt.contract.outcome import Outcome, refusal
from podbt.contract.record import Summary, to_json
from podbt.errors import PodbtError

NOTHING: Final = "The selection matches nothing, which this task allows: there was nothing to do."


def runtime_of(overrides: Mapping[str, Any]) -> Runtime:
    """The runtime that the settings name, with a task's own changes of them.

    Raises:
        ConfigError: They make no settings.
    """
    return resolve_settings(overrides).runtime


def run(
    step: Mapping[str, Any],
    overrides: Mapping[str, Any],
    task_instance: Any,
    log: Any,
    *,
    pods_alone: bool,
    started: Callable[[Run], None],
) -> tuple[Outcome, list[dict[str, Any]]]:
    """Runs a step to its end.

    Args:
        step: Fields of `Step`, templates rendered.
        overrides: As for `podbt.airflow.resolve.resolve`.
        task_instance: For whom.
        log: Gets its output.
        pods_alone: Whether to refuse the settings of another runtime.
        started: Gets the run before it begins: whoever is told to stop stops it.

    Returns:
        How it ended, and what it built, as asset events tell it.

    Raises:
        PodbtError: It cannot be started as it is configured.
    """
    settings, wanted = resolve_pod(step, overrides) if pods_alone else resolve(step, overrides)
    wanted = told_of(wanted, settings, task_instance)
    progress = PodProgress(name="", created=datetime.now(UTC))
    made = run_of(settings, wanted, identity_of(task_instance), log, progress.feed)
    started(made)
    outcome = made.execute()
    return outcome, progress.built_nodes(outcome.summary)


def told(event: Mapping[str, Any]) -> Outcome:
    """The outcome that a trigger has sent to a worker."""
    summary = Summary.parse(dict(event["summary"]), source="trigger event")
    return Outcome(summary=summary, retryable=bool(event["retryable"]), shown=bool(event.get("shown")))


def refuse(context: Any, error: PodbtError, log: Any) -> Any:
    """Ends the task as one that no retry can help."""
    return end(context, refusal(error), log, built=None)


def end(context: Any, outcome: Outcome, log: Any, *, built: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """Ends the task as its step ended.

    Args:
        context: The task's.
        outcome: How the step ended.
        log: The task's.
        built: What asset events are to tell; None where there are to be none.

    Returns:
        The task's XCom.

    Raises:
        AirflowException: The step failed; one without retries where they cannot help.
        AirflowSkipException: There was nothing to do.
    """
    if outcome.ok:
        if built is not None:
            log.info("%d asset events", emit(context, built))
        return to_json(outcome.summary)
    if outcome.skipped:
        raise AirflowSkipException(NOTHING)
    leave_summary(context, to_json(outcome.summary), log)
    error = AirflowException if outcome.retryable else AirflowFailException
    raise error(outcome.line) from None
