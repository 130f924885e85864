"""A task's own changes of the settings, as its DAG file gives them."""

from collections.abc import Iterable, Mapping
from typing import Any

from podbt.errors import ConfigError


def checked_overrides(settings: Mapping[str, Any] | None, timeout: Any) -> dict[str, Any]:
    """A task's own changes of the settings, as far as a DAG file's parse can judge them.

    Raises:
        ConfigError: A key is no runtime's, or is one that only the settings file may say.
    """
    overrides = dict(settings or {})
    if overrides and (unknown := sorted(_unknown(overrides))):
        raise ConfigError(f"settings: {', '.join(unknown)} is not a known key; remove it.")
    for key in ("runtime", "signed"):
        if key in overrides:
            raise ConfigError(f"settings: {key} is said by the settings file, for all tasks. Remove it from the task.")
    if "instance" in overrides:
        raise ConfigError("settings: instance is what the whole Airflow is called; the settings file says it.")
    if timeout is not None:
        overrides["run_timeout_seconds"] = int(timeout.total_seconds())
    return overrides


def _unknown(keys: Iterable[str]) -> set[str]:
    # Not at the top: the settings' models take longer to build than all else of a DAG file that changes none of them.
    from podbt.contract.settings.load import unknown_keys  # noqa: PLC0415

    return unknown_keys(keys)
