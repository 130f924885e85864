"""dbt's own environment variables, whose names changed with dbt-core 1.11."""

import os
from importlib.metadata import version
from typing import Final

_RENAMED_IN: Final = (1, 11)


def variable(option: str) -> str:
    """The variable that sets an option: "TARGET_PATH" -> "DBT_ENGINE_TARGET_PATH", or "DBT_TARGET_PATH" before."""
    return f"{_prefixes()[0]}{option}"


def given(option: str) -> str | None:
    """What the environment says of an option, under either name; None where it says nothing."""
    return next((value for prefix in _prefixes() if (value := os.environ.get(f"{prefix}{option}"))), None)


def point(**options: str) -> None:
    """Sets options for the dbt of this process, under the one name that this release does not call out of date."""
    current, other = _prefixes()
    for option, value in options.items():
        os.environ.pop(f"{other}{option}", None)
        os.environ[f"{current}{option}"] = value


def _prefixes() -> tuple[str, str]:
    release = tuple(int(part) for part in version("dbt-core").split(".")[:2])
    return ("DBT_ENGINE_", "DBT_") if release >= _RENAMED_IN else ("DBT_", "DBT_ENGINE_")
