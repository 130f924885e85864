"""Stands in for the variables that a build is not given: their values are known where the pod runs."""

import os
from collections.abc import Callable
from typing import Any, Final

from podbt.runner.dbt.seams import Seam, Seams

PLACEHOLDER: Final = "1"
"""Passes for a name as well as for a number, which is what most are turned into."""

# dbt's contexts of templates, by name: to import them takes seconds.
_SECRET: Final = "SecretContext"  # noqa: S105 - no secret
_OF_PROJECT_FILES: Final = frozenset({"BaseContext", "TargetContext"})


class Placeholders:
    """Gives dbt a value for each env_var() and var() that has neither a value nor a default, and notes which.

    dbt takes note of them as of any other, so that in a pod it parses again what read another value. Of var() it takes
    no note.

    Attributes:
        env: Names of the environment variables that the project reads.
        variables: Names of dbt's variables.
        config_env: What the project files of the project and of its packages read of the environment: name -> value,
            None where the default counted. dbt itself compares only those of the project's own file.
    """

    def __init__(self) -> None:
        self.env: set[str] = set()
        self._given: set[str] = set()
        self.variables: set[str] = set()
        self.config_env: dict[str, str | None] = {}

    def seams(self, *, secrets: bool = True) -> Seams:
        """Wraps dbt's env_var() and var().

        Args:
            secrets: Whether profiles.yml and packages.yml get placeholders, too.
        """

        def knowing(generate: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
            def generate_builtins(context: Any) -> dict[str, Any]:
                known = generate(context)
                kind = type(context).__name__
                if secrets or kind != _SECRET:
                    known["env_var"] = self._lenient(known["env_var"], kind)
                return known

            return generate_builtins

        def missing(_refuse: Callable[..., Any]) -> Callable[[Any, str], str]:
            def get_missing_var(_var: Any, name: str) -> str:
                self.variables.add(name)
                return PLACEHOLDER

            return get_missing_var

        return {Seam.TEMPLATES: knowing, Seam.MISSING_VARIABLE: missing}

    def forget(self) -> None:
        """Takes the placeholders out of the environment."""
        for name in self._given:
            os.environ.pop(name, None)

    def _lenient(self, env_var: Callable[..., str], kind: str) -> Callable[..., str]:
        from dbt_common.context import get_invocation_context  # noqa: PLC0415 - slow to import

        def lenient(var: str, default: str | None = None) -> str:
            if default is None and var not in os.environ:
                self._given.add(var)
                os.environ[var] = PLACEHOLDER
            if var in self._given:
                get_invocation_context().env[var] = PLACEHOLDER  # a copy, which dbt makes for each invocation
                if kind != _SECRET:  # what the connection reads is compared by what comes of it
                    self.env.add(var)
            if kind in _OF_PROJECT_FILES:
                self.config_env[var] = os.environ.get(var)
            return env_var(var, default)

        return lenient
