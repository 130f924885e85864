"""What Airflow's triggerer need not do for podbt's triggers. A listener, which Airflow calls when a triggerer starts.

Airflow 3.3 sends the whole serialized DAG along with each trigger of a task that starts in its trigger: read from the
database, sent to the process that runs triggers, made an object twice, and kept for as long as the trigger waits. So a
DAG of n such tasks costs n times n, in time and in memory. And each success that a trigger tells makes the
dag-processor read the DAG's file, only to find that a success is nothing to it (docs/adr/0031).

podbt's triggers say which of them need no DAG, and a success of theirs is told to nobody. Nothing else is touched, and
where Airflow has changed, all stays as Airflow does it: slower, and not otherwise.
"""

import inspect
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any, ClassVar, Final

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

from podbt.airflow.awaited import holds_templates
from podbt.airflow.observe import lineage
from podbt.airflow.supported import STARTS_IN_TRIGGER

_RUNNER: Final = "airflow.jobs.triggerer_job_runner"
_OWN: Final = "podbt."
_NEEDED: Final[Mapping[str, frozenset[str]]] = {
    "podbt.airflow.trigger.DbtPodTrigger": frozenset(),
    "podbt.airflow.group.model_trigger.ModelTrigger": frozenset({"parents"}),
}
"""Triggers that need no DAG, each with the arguments that have to be there instead of it."""

_log = logging.getLogger(__name__)


def needs_no_dag(classpath: str, arguments: Mapping[str, Any]) -> bool:
    """Whether a trigger can do without its DAG: it asks nothing of it, and has no template to render.

    A lineage server that is told of tasks is told much of their DAGs.
    """
    needed = _NEEDED.get(classpath)
    if needed is None or lineage.enabled() or any(arguments.get(name) is None for name in needed):
        return False
    return not holds_templates(arguments)


class _NoDags:
    """Stands in for Airflow's bag of DAGs, and has none."""

    def get_serialized_dag_model_for_run(self, *_: Any, **__: Any) -> None:
        """None: there is no such DAG."""

    def get_serialized_dag_model(self, *_: Any, **__: Any) -> None:
        """None: there is no such DAG."""


def lighten(runner: Any) -> None:
    """Makes a triggerer spare what podbt's triggers do not need.

    Args:
        runner: The module `airflow.jobs.triggerer_job_runner`.
    """
    supervisor = runner.TriggerRunnerSupervisor
    if getattr(supervisor, "podbt", False):
        return
    try:
        create, tell = supervisor._create_workload, supervisor.on_trigger_event  # noqa: SLF001 - see above
        known = inspect.signature(create).parameters.keys() >= {"trigger", "dag_bag"}
        known = known and inspect.signature(tell).parameters.keys() >= {"trigger_id", "event"}
    except (AttributeError, ValueError, TypeError):
        known = False
    if not known:
        _log.warning("This Airflow's triggerer is not as podbt knows it: model groups cost more than they have to.")
        return
    own: set[int] = set()
    supervisor._create_workload = _creating(create, own)  # noqa: SLF001 - see above
    supervisor.on_trigger_event = _telling(tell, own)
    supervisor.podbt = True


def _creating(create: Any, own: set[int]) -> Any:
    """Without the DAG, for those that need none."""

    @wraps(create)
    def create_workload(self: Any, **given: Any) -> Any:
        trigger = given["trigger"]
        if trigger.classpath.startswith(_OWN) and trigger.task_instance is not None:
            own.add(trigger.id)
            with suppress(Exception):  # arguments that cannot be read are for Airflow to complain of
                if needs_no_dag(trigger.classpath, trigger.kwargs):
                    given["dag_bag"] = _NoDags()
        return create(self, **given)

    return create_workload


def _telling(tell: Any, own: set[int]) -> Any:
    """Without a request that the dag-processor passes over."""

    @wraps(tell)
    def on_trigger_event(self: Any, trigger_id: int, event: Any) -> None:
        if trigger_id not in own:
            tell(self, trigger_id=trigger_id, event=event)
            return
        own.discard(trigger_id)  # podbt's triggers fire once
        with _quiet_success():
            tell(self, trigger_id=trigger_id, event=event)

    return on_trigger_event


@contextmanager
def _quiet_success() -> Iterator[None]:
    """Meanwhile only failures are sent to the dag-processor: it calls nobody for a task's success."""
    from airflow.callbacks.database_callback_sink import DatabaseCallbackSink  # noqa: PLC0415 - of a triggerer alone

    send = DatabaseCallbackSink.send

    def send_failure(self: Any, callback: Any, **given: Any) -> None:
        if getattr(callback, "is_failure_callback", True):
            send(self, callback, **given)

    DatabaseCallbackSink.send = send_failure  # for this one call, in the one thread that makes such
    try:
        yield
    finally:
        DatabaseCallbackSink.send = send


class Listener:
    """Called by Airflow."""

    @hookimpl
    def on_starting(self, component: Any) -> None:  # noqa: ARG002 - Airflow's signature
        """A component of Airflow starts. Which one it is not told yet; a triggerer has imported its module."""
        if STARTS_IN_TRIGGER and (runner := sys.modules.get(_RUNNER)) is not None:
            lighten(runner)


class TriggererPlugin(AirflowPlugin):
    """Brings the listener."""

    name = "podbt triggerer"
    listeners: ClassVar[list[Any]] = [Listener()]
