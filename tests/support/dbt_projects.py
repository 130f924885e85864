"""Small dbt projects, written out in a test."""

import textwrap
from pathlib import Path
from typing import Final

PROJECT: Final = """
    name: shop
    profile: shop
    version: "1.0"
    config-version: 2
"""


def write(folder: Path, files: dict[str, str]) -> Path:
    """Writes a project's files, with a dbt_project.yml where none is given. Returns the folder."""
    for name, text in {"dbt_project.yml": PROJECT, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).strip() + "\n")
    return folder


def project(*lines: str) -> str:
    """A dbt_project.yml with more in it."""
    return textwrap.dedent(PROJECT).strip() + "\n" + "\n".join(lines)
