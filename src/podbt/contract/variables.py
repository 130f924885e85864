"""Plain variables of dbt's environment, as the settings and a step may give them: visible wherever the run is."""

import re
from collections.abc import Mapping
from typing import Any, Final

from podbt import constants

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET: Final = "DBT_ENV_SECRET"  # noqa: S105 - how dbt's names for secrets begin
RESERVED: Final = frozenset(
    {f"{prefix}{option}" for prefix in ("DBT_", "DBT_ENGINE_")
     for option in ("PROJECT_DIR", "PROFILES_DIR", "TARGET_PATH", "LOG_PATH", "WRITE_JSON", "VERSION_CHECK")}
) | {"HOME", "PATH", "TMPDIR", "PYTHONUNBUFFERED"}  # fmt: skip
"""What podbt, its image or a runtime sets for each run."""


def problem(name: str) -> str | None:
    """What is wrong with the name of such a variable, as the end of a sentence; None where nothing is."""
    if not _NAME.fullmatch(name):
        return f"'{name}' is no name of a variable; use letters, digits and underscores"
    if name.startswith(constants.NOT_FOR_DBT):
        return f"{name} is not for dbt: Airflow and podbt use it themselves"
    if name in RESERVED:
        return f"{name} is podbt's own to set; remove it"
    if name.startswith(_SECRET):
        return f"{name} is a secret by its name, and would be visible; give it as the settings give secrets"
    return None


def texts(variables: Mapping[str, Any]) -> dict[str, str]:
    """Checks variables and writes numbers and booleans out, as YAML and JSON do.

    Raises:
        ValueError: A name is not to be used, or a value is no text.
    """
    found: dict[str, str] = {}
    for name, value in variables.items():
        if said := problem(str(name)):
            raise ValueError(said)
        if isinstance(value, bool):
            found[name] = str(value).lower()
        elif isinstance(value, str | int | float):
            found[name] = str(value)
        else:
            raise ValueError(f"{name} is {value!r}, which is no text")  # noqa: TRY004 - pydantic's word for it
        if "\0" in found[name]:
            raise ValueError(f"{name} holds a NUL character, which no variable can")
    return found
