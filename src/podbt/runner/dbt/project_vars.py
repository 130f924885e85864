"""The variables that a project was built with: those of dbt_project.yml, and --vars over them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from podbt.contract.project_vars import Digests, digests
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.process.secrets import is_secret

_VARS = frozenset({"--vars"})


def project_vars(project: Path, arguments: Arguments) -> Digests:
    """Their digests; none where a file is not what dbt would take, which dbt itself says.

    Secrets by their names are left out, as everywhere: a digest of a short one could be guessed.

    Args:
        project: The folder of dbt_project.yml.
        arguments: dbt's arguments, of which --vars counts.
    """
    below = _mapping((project / "dbt_project.yml"), "vars")
    given = _load(arguments.value(_VARS) or "{}")
    found = digests({**below, **given})
    return {name: digest for name, digest in found.items() if not is_secret(name.rpartition(".")[2])}


def _mapping(file: Path, key: str) -> Mapping[Any, Any]:
    try:
        found = _load(file.read_text(encoding="utf-8")).get(key)
    except (OSError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _load(text: str) -> Mapping[Any, Any]:
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return data if isinstance(data, Mapping) else {}
