"""What a task runs and where, found out where it runs."""

import asyncio
import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from podbt.airflow.catalog import known_plan
from podbt.airflow.signed import require_signed
from podbt.contract.demands import Fitted, fitted
from podbt.contract.plans import image_with, is_folder, plan_of
from podbt.contract.settings.docker import DockerSettings
from podbt.contract.settings.files import PROJECT, settings_age_seconds
from podbt.contract.settings.kubernetes import Settings
from podbt.contract.settings.load import AnySettings, foreign_keys, load_settings, parse_settings
from podbt.contract.step import Step
from podbt.errors import ConfigError

_PLAN_SECONDS: Final = 180.0
"""How long after a change of the settings the new image's plan may come: its nodes pull it first."""

_LOOK_SECONDS: Final = 1.0


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
        require_signed(settings)
        return fit(settings, step), step
    return fit(settings, step) if isinstance(settings, DockerSettings) else settings, step


def resolve_pod(fields: Mapping[str, Any], overrides: Mapping[str, Any]) -> tuple[Settings, Step]:
    """As `resolve`, for what runs in pods alone."""
    settings = pod_settings(overrides)
    step = _step(fields, settings)
    settings = of_one_release(settings, step.plan_hash)
    require_signed(settings)
    return fit(settings, step), step


def of_one_release(settings: Settings, plan_hash: str | None) -> Settings:
    """The settings with the image that has the plan which a task was made from, where that is another one.

    Between a promotion and the next reading of the DAG files the tasks of a group are those of the image before. Their
    run is of that image, as a run is that began a minute earlier.

    Args:
        settings: Of now.
        plan_hash: Of the plan that the task was made from; None for a task that was made from none.
    """
    if plan_hash is None or settings.plan is None:
        return settings
    current = plan_of(settings.plan, settings.image)
    before = image_with(settings.plan, plan_hash)
    if current is None or current.hash == plan_hash or before is None:
        return settings
    return settings.model_copy(update={"image": before})


async def wait_for_plan(overrides: Mapping[str, Any], log: Any) -> None:
    """Returns once the plan of the settings' image is known, or does not seem to come: the image tells it itself.

    Only soon after a change of the settings. An image that cannot be pulled tells none, and its pod says why.
    """
    said = False
    while True:
        settings = pod_settings(overrides)
        if settings.plan is None or not is_folder(settings.plan) or plan_of(settings.plan, settings.image):
            return
        if settings_age_seconds(overrides.get(PROJECT)) > _PLAN_SECONDS:
            return
        if not said:
            log.info("Waiting for the plan of image %s, which the settings name since a moment ago", settings.image)
            said = True
        await asyncio.sleep(_LOOK_SECONDS)


def fit(settings: Fitted, step: Step) -> Fitted:
    """The settings with what the step's models demand, where a plan says it."""
    known = known_plan(settings)
    return settings if known is None else fitted(settings, step, known)


def resolve_settings(overrides: Mapping[str, Any]) -> AnySettings:
    """The settings file with a task's own changes, validated again as a whole.

    A change that belongs to another runtime is passed over: one DAG file serves all of them.

    Args:
        overrides: Keys of the settings, and beside them `PROJECT`, which says whose file it is.
    """
    settings = load_settings(project=overrides.get(PROJECT))
    foreign = foreign_keys(overrides, settings.runtime)
    fitting = {key: value for key, value in overrides.items() if key not in foreign and key != PROJECT}
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
        known = plan_of(settings.plan, getattr(settings, "image", None))
        return dataclasses.replace(step, plan_hash=known.hash) if known else step
    return step
