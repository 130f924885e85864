"""What a run of dbt is told of the task that it is a part of, so that what it tells others belongs there."""

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from podbt.airflow.observe import lineage, trace
from podbt.contract.settings.common import RunSettings
from podbt.contract.step import Step

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


def told(step: Step, settings: RunSettings, task_instance: Any) -> Step:
    """A step whose run knows its task, as far as the settings have others told of runs. Blocks.

    Args:
        step: The step.
        settings: Where it runs.
        task_instance: As a trigger or a worker has it; None where there is none.
    """
    wanted: list[Callable[[Any], dict[str, str]]] = []
    wanted += [lineage.environment] if settings.openlineage else []
    wanted += [trace.environment] if settings.telemetry else []
    env: dict[str, str] = {}
    for ask in wanted:
        try:
            env |= ask(task_instance)
        except Exception as error:  # noqa: BLE001 - a run without a parent is better than none
            _log.warning("The run is told nothing of its task: %s: %s", type(error).__name__, error)
    return replace(step, env={**step.env, **env}) if env else step
