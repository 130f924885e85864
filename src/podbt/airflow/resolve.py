"""Where a task runs and who it is, found out where it runs."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from podbt.contract.plan import load_plan
from podbt.contract.record import RunIdentity
from podbt.contract.settings import KNOWN_KEYS, AnySettings, Settings, foreign_keys, load_settings, parse_settings
from podbt.contract.step import Step
from podbt.errors import ConfigError


def identity_of(task_instance: Any) -> RunIdentity:
    """The identity of an Airflow task instance, whichever of Airflow's classes it is."""
    index = task_instance.map_index
    return RunIdentity(
        dag_id=task_instance.dag_id,
        run_id=task_instance.run_id,
        task_id=task_instance.task_id,
        map_index=-1 if index is None else index,
        try_number=task_instance.try_number,
    )


def resolve_settings(overrides: Mapping[str, Any]) -> AnySettings:
    """The settings file with a task's own changes, validated again as a whole.

    A change that belongs to another runtime is passed over: one DAG file serves all of them.
    """
    settings = load_settings()
    foreign = foreign_keys(overrides, settings.runtime)
    fitting = {key: value for key, value in overrides.items() if key not in foreign}
    if not fitting:
        return settings
    if "image" in fitting and "plan" not in fitting:
        fitting["plan"] = None  # the plan file is the other image's
    return parse_settings({**settings.model_dump(), **fitting}, source="settings of the task")


def pod_settings(overrides: Mapping[str, Any]) -> Settings:
    """As `resolve_settings`, for what runs in pods alone.

    Raises:
        ConfigError: The settings are another runtime's.
    """
    settings = resolve_settings(overrides)
    if not isinstance(settings, Settings):
        raise ConfigError(
            f"DbtPodOperator and DbtModelGroup run pods alone, but the settings say runtime: {settings.runtime}. "
            "Use DbtOperator."
        )
    return settings


def resolve_step(fields: Mapping[str, Any], settings: AnySettings) -> Step:
    """The step of rendered fields, with the plan that its run has to have where this side knows one."""
    step = Step.from_dict(fields)
    if step.plan_hash is None and settings.plan:
        return dataclasses.replace(step, plan_hash=load_plan(settings.plan).hash)
    return step


def checked_overrides(settings: Mapping[str, Any] | None, timeout: Any) -> dict[str, Any]:
    """A task's own changes of the settings, as far as a DAG file's parse can judge them.

    Raises:
        ConfigError: A key is no runtime's, or is one that only the settings file may say.
    """
    overrides = dict(settings or {})
    if unknown := sorted(set(overrides) - KNOWN_KEYS):
        raise ConfigError(f"settings: {', '.join(unknown)} is not a known key; remove it.")
    if "runtime" in overrides:
        raise ConfigError("settings: runtime is said by the settings file, for all tasks. Remove it from the task.")
    if timeout is not None:
        overrides["run_timeout_seconds"] = int(timeout.total_seconds())
    return overrides
