"""The variables of dbt_project.yml, as digests: what a later run compares to see which of them changed.

dbt keeps no note of them in its manifest, so `state:modified` is blind to a changed variable (dbt-core 1.11, also with
its flag state_modified_compare_vars, which nothing reads).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

Digests = dict[str, str]
"""By name. A variable of one package, which stands below the package's name, has its own entry, `package.name`."""


def digests(variables: Mapping[Any, Any]) -> Digests:
    """The digests of variables as dbt_project.yml has them below `vars`, and of those below a package's name."""
    found: Digests = {}
    for name, value in variables.items():
        found[str(name)] = _digest(value)
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": _digest(one) for inner, one in value.items()}
    return found


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """The names, without their package, of variables that are new, gone or of another value."""
    differ = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    return {name.rpartition(".")[2] for name in differ if not _has_inner(name, [*before, *after])}


def _has_inner(name: str, names: Iterable[str]) -> bool:
    """Whether it is a package's name, or a mapping: what differs in it stands for itself."""
    return any(other.startswith(f"{name}.") for other in names)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
