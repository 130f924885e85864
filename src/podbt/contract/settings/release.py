"""Whether the chart that wrote the settings and the podbt that reads them are of one release."""

import logging
from typing import Any, Final

from podbt.errors import ConfigError

KEY: Final = "podbt_version"
"""Of the file alone: the version of the chart. A file that a person wrote need not have it."""

_log = logging.getLogger(__name__)


def take(data: Any, *, source: str) -> str | None:
    """Takes the chart's version out of what a settings file holds.

    Returns:
        What is wrong where it is not this podbt's; None where it is, or is not said.

    Raises:
        ConfigError: It is no text.
    """
    if not isinstance(data, dict) or KEY not in data:
        return None
    from importlib.metadata import version  # noqa: PLC0415 - a DAG file's parse pays for what is imported

    said, here = data.pop(KEY), version("podbt")
    if not isinstance(said, str) or not said:
        raise ConfigError(f"{source}: {KEY} is '{said}', which is no version: remove it.")
    if said == here:
        return None
    return (
        f"{source} is of the chart of podbt {said}, and this is podbt {here}: deploy chart, Airflow image and dbt "
        "image of one release (docs/upgrading.md)."
    )


def warn(skew: str) -> None:
    """Says it once for a file that can be read all the same."""
    _log.warning("podbt: %s", skew)
