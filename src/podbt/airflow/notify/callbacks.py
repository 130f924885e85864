"""Notifications through Apprise: one address for Slack, Teams, e-mail, a webhook and many more.

The address is a credential. It comes from an environment variable that the settings name, and is never logged.
"""

import json
import logging
import os
from collections.abc import Container, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from airflow.sdk import Variable
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from podbt.airflow import api
from podbt.airflow.notify.message import FailedTask, Kind, Message, failed_message, late_message, recovered_message
from podbt.contract.plans import latest_plan
from podbt.contract.record import Summary
from podbt.contract.result import ModelResult
from podbt.contract.settings.files import PROJECT
from podbt.contract.settings.load import load_settings
from podbt.errors import ConfigError, PodbtError

_log = logging.getLogger(__name__)

_TYPES: Final = {Kind.FAILED: "failure", Kind.RECOVERED: "success", Kind.LATE: "warning"}
_MARK: Final = "podbt_failed__{}"
"""The Airflow Variable that remembers a failure that was told, so that recovery is told once, and only after one."""


def notifications(*, late_after: timedelta | None = None, project: str | None = None) -> dict[str, Any]:
    """Arguments of a DAG that make it tell of failure and recovery, and of being late.

    Nothing is sent where the settings have no `notify`.

    Args:
        late_after: How long after its logical date, which is when it was due, a run counts as late; one without such
            a date never does. None: none does.
        project: Whose settings say where a late run is told, where this Airflow runs several dbt projects; failures
            are told where those of the DAG's steps say.
    """
    arguments: dict[str, Any] = {"on_failure_callback": on_failure, "on_success_callback": on_success}
    # Only where it would be told: `airflow dags test` of Airflow 3.3.2 fails for a DAG that has a deadline.
    if late_after is not None and _tells(project):
        # Not from when it was queued: Airflow 3.3.2 then answers 500 when somebody clears a task of the run, since it
        # adds the stored interval to a time without decoding it (_recalculate_dagrun_queued_at_deadlines).
        arguments["deadline"] = DeadlineAlert(
            reference=DeadlineReference.DAGRUN_LOGICAL_DATE,
            interval=late_after,
            callback=AsyncCallback(on_late, kwargs={"project": project} if project else None),
        )
    return arguments


def on_failure(context: Mapping[str, Any]) -> None:
    """A run of the DAG failed. Runs in the dag-processor."""
    project = _project_of(context)
    address = _address(project)
    if address is None:
        return
    dag_id, run_id = context["dag"].dag_id, str(context["run_id"])
    tasks = [
        FailedTask(task_id=task_id, map_index=index, summary=_summary(dag_id, run_id, task_id, index))
        for task_id, index in _failed_tasks(context)
    ]
    owners = _owners(tasks, project)
    message = failed_message(dag_id=dag_id, run_id=run_id, tasks=tasks, owners=owners, base_url=_base_url())
    _send(address, message)
    told = {"run_id": run_id, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    Variable.set(_MARK.format(dag_id), json.dumps(told), description="A failure that podbt has told of.")


def on_success(context: Mapping[str, Any]) -> None:
    """A run of the DAG succeeded. Runs in the dag-processor."""
    address = _address(_project_of(context))
    if address is None:
        return
    dag_id, run_id = context["dag"].dag_id, str(context["run_id"])
    told = Variable.get(_MARK.format(dag_id), default=None)
    if not told:
        return
    failed = str(json.loads(told)["run_id"])
    _send(address, recovered_message(dag_id=dag_id, run_id=run_id, failed_run_id=failed, base_url=_base_url()))
    Variable.delete(_MARK.format(dag_id))


async def on_late(*, context: Mapping[str, Any], project: str | None = None) -> None:
    """A run of the DAG missed its deadline. Runs in the triggerer."""
    address = _address(project)
    if address is None:
        return
    run = context["dag_run"]
    needed_by = str((context.get("deadline") or {}).get("deadline_time") or "")
    message = late_message(
        dag_id=str(run["dag_id"]), run_id=str(run["dag_run_id"]), needed_by=needed_by, base_url=_base_url()
    )
    if not await _target(address).async_notify(**_arguments(message)):
        raise ConfigError(_refusal(message))


def _send(address: str, message: Message) -> None:
    if not _target(address).notify(**_arguments(message)):
        # Raised: Airflow logs a failed callback as such, and changes nothing about the run.
        raise ConfigError(_refusal(message))
    _log.info("Sent: %s", message.title)


def _arguments(message: Message) -> dict[str, Any]:
    return {
        "title": message.title,
        "body": message.body,
        "notify_type": _TYPES[message.kind],
        "body_format": "text",  # dbt's words are no markup
    }


def _refusal(message: Message) -> str:
    return f"'{message.title}' could not be sent: a service at the address refused it or was not reached."


def _target(address: str) -> Any:
    """The services at the addresses, which white space separates."""
    import apprise  # noqa: PLC0415 - every parse of a DAG file imports this module, few send

    # In the processes that send alone, and for good there: two may send at the same time.
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its warnings may hold parts of an address
    logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)  # at debug level it writes paths: tokens
    target = apprise.Apprise()
    for number, one in enumerate(address.split(), 1):
        if not target.add(one):
            raise ConfigError(
                f"Notification address {number} is not one that Apprise knows. See docs/notifications.md."
            )
    return target


def _tells(project: str | None) -> bool:
    """Whether the settings ask for notifications; not where they cannot be read, which each task says by itself."""
    try:
        return load_settings(project=project).notify is not None
    except PodbtError:
        return False


def _project_of(context: Mapping[str, Any]) -> str | None:
    """The dbt project of a DAG, as its steps say it."""
    named = (getattr(task, "overrides", None) for task in context["dag"].tasks)
    return next((str(one[PROJECT]) for one in named if isinstance(one, Mapping) and PROJECT in one), None)


def _address(project: str | None) -> str | None:
    settings = load_settings(project=project)
    if settings.notify is None:
        return None
    address = os.environ.get(settings.notify.url_env, "").strip()
    if not address:
        raise ConfigError(f"{settings.notify.url_env} is not set. Give it an address, or remove notify.")
    return address


def _base_url() -> str:
    return api.base_url() or "http://localhost:8080"


def _failed_tasks(context: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The tasks that failed, in the DAG's order, each with its map index, which is -1 for one that is not mapped."""
    dag, run_id = context["dag"], str(context["run_id"])
    states = api.task_states(dag.dag_id, run_id)
    order = {task.task_id: place for place, task in enumerate(dag.topological_sort())}
    failed = [_instance(name, order) for name, state in states.items() if state == "failed"]
    return sorted(failed, key=lambda one: (order.get(one[0], len(order)), one[1]))


def _instance(name: str, known: Container[str]) -> tuple[str, int]:
    """A task and its map index: Airflow calls a mapped task's instances by both, as in "each_0"."""
    task_id, _, index = name.rpartition("_")
    if name not in known and task_id in known and index.isdecimal():
        return task_id, int(index)
    return name, -1


def _summary(dag_id: str, run_id: str, task_id: str, map_index: int) -> Summary | None:
    """What the task left as its XCom: triggers leave JSON text; tasks that are no steps of dbt leave other things."""
    try:
        data = api.xcom(dag_id, run_id, task_id, map_index=map_index)
        if not isinstance(data, dict):
            return None
        if "counts" in data:
            return Summary.parse(data, source="XCom")
        return ModelResult.parse(data, source="XCom").summary
    except (ValueError, ConfigError):
        return None


def _owners(tasks: list[FailedTask], project: str | None) -> dict[str, str]:
    """Owners of the failing nodes; a test's is that of the node it tests. None where Airflow has no plan."""
    failing = {failure.unique_id for task in tasks if task.summary for failure in task.summary.failures}
    settings = load_settings(project=project)
    if not failing or settings.plan is None:
        return {}
    try:
        plan = latest_plan(settings.plan, getattr(settings, "image", None))
    except PodbtError as error:
        _log.warning("Owners are not known: %s", error)
        return {}
    if plan is None:
        return {}
    return {unique_id: owner for unique_id in failing if (owner := plan.owner_of(unique_id))}
