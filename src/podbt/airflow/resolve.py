"""What a task runs and where, found out where it runs."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from podbt.airflow.catalog import fit
from podbt.contract.plan import load_plan
from podbt.contract.settings.docker import DockerSettings
from podbt.contract.settings.kubernetes import Settings
from podbt.contract.settings.load import KNOWN_KEYS, AnySettings, foreign_keys, load_settings, parse_settings
from podbt.contract.step import Step
from podbt.errors import ConfigError


def resolve(fields: Mapping[str, Any], overrides: Mapping[str, Any]) -> tuple[AnySettings, Step]:
    """All that a runtime needs for a step.

    Args:
        fields: Of `Step`, templates rendered.
        overrides: As for `resolve_settings`.

    Returns:
        The settings, with what the step's models demand, and the step, with the plan that its run has to have where
        this side knows one.

    Raises:
        ConfigError: They make no settings, or no dbt command.
    """
    settings = resolve_settings(overrides)
    step = _step(fields, settings)
    if isinstance(settings, Settings):
        return fit(settings, step), step
    return fit(settings, step) if isinstance(settings, DockerSettings) else settings, step


def resolve_pod(fields: Mapping[str, Any], overrides: Mapping[str, Any]) -> tuple[Settings, Step]:
    """As `resolve`, for what runs in pods alone."""
    settings = pod_settings(overrides)
    step = _step(fields, settings)
    return fit(settings, step), step


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


def _step(fields: Mapping[str, Any], settings: AnySettings) -> Step:
    step = Step.from_dict(fields)
    secret = {one.name for one in settings.secret_env} if isinstance(settings, Settings) else set(settings.env_names)
    if taken := sorted(secret & set(step.env)):
        raise ConfigError(f"Step: env: {taken[0]} is given by the settings, as a secret. Use another name.")
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
