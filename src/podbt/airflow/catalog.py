"""What Airflow reads out of the plan: for a DAG file that is parsed, and for a step that starts."""

import os
from pathlib import Path

from podbt import constants
from podbt.contract.demands import fitted
from podbt.contract.plan import Plan, load_plan
from podbt.contract.settings import Settings, load_settings
from podbt.contract.step import Step


def plan() -> Plan | None:
    """The plan that the settings name; None where this machine has no settings, or they name none."""
    if not Path(os.environ.get(constants.ENV_SETTINGS) or constants.SETTINGS_PATH).exists():
        return None
    path = load_settings().plan
    return None if path is None else load_plan(path)


def fit(settings: Settings, step: Step) -> Settings:
    """The settings with what the step's models demand, where a plan says it."""
    return settings if settings.plan is None else fitted(settings, step, load_plan(settings.plan))


def selector_names() -> list[str]:
    """The project's selectors, for a form's list."""
    known = plan()
    return [] if known is None else sorted(known.selectors)
