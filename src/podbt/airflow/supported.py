"""Which Airflow podbt is beside, and what that one can do. docs/existing-airflow.md has the difference as a table."""

import re
from importlib import metadata
from typing import Final

LINES: Final = ((3, 2), (3, 3))
"""Airflow's minor versions that podbt is tested with. Every other one is refused when it is imported."""

_DISTRIBUTIONS: Final = ("apache-airflow-core", "apache-airflow")  # Airflow 2 has no core


def line_of(version: str) -> tuple[int, int]:
    """Major and minor version.

    Raises:
        ImportError: podbt does not run on it.
    """
    found = re.match(r"(\d+)\.(\d+)", version)
    line = (int(found[1]), int(found[2])) if found else (0, 0)
    if line not in LINES:
        names = " and ".join(f"{major}.{minor}" for major, minor in LINES)
        raise ImportError(f"podbt runs on Airflow {names}, and this is Airflow {version}. Install one of those.")
    return line


def _installed() -> str:
    # Not airflow.__version__: a version whose modules podbt does not know is to be refused before any is imported.
    for name in _DISTRIBUTIONS:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    raise ImportError("podbt.airflow is for DAG files, and no Airflow is installed here. Install apache-airflow.")


LINE: Final = line_of(_installed())

STARTS_IN_TRIGGER: Final = LINE >= (3, 3)
"""Whether the scheduler hands a task to its trigger (start_from_trigger).

Airflow 3.2 passes that over: each task starts on a worker, which hands it on at once. What else came with it in 3.3:
triggers know their task and its DAG, they are told that a person stopped the task (on_kill), and a failure that a
trigger tells leaves the task its retries.
"""
