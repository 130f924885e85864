"""What DAG files need that do not import the Kubernetes client, as the DAG files that podbt ships do not."""

from pathlib import Path
from typing import Final

PROJECTS: Final = Path("/opt/bench/projects")
STEPS: Final = 40
"""How many steps are started at once where that is measured."""
SMALL: Final = {"requests": {"cpu": "5m", "memory": "8Mi"}, "limits": {"memory": "64Mi"}}


def selection(tag: str) -> str:
    """A tag as dbt's --select; empty for all."""
    return f"tag:{tag}" if tag else ""
