"""Step: what one dbt container runs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from podbt.errors import ConfigError

COMMANDS: Final = {
    "build": {"select", "exclude", "selector", "full_refresh"},
    "run": {"select", "exclude", "selector", "full_refresh"},
    "seed": {"select", "exclude", "selector", "full_refresh"},
    "snapshot": {"select", "exclude", "selector"},
    "test": {"select", "exclude", "selector"},
    "compile": {"select", "exclude", "selector"},
    "source freshness": {"select", "exclude", "selector"},
    "docs generate": {"select", "exclude", "selector"},
    "run-operation": set(),
}
"""The dbt commands that a step may run, and which of its fields each takes."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One dbt command with its selection.

    Attributes:
        command: One of `COMMANDS`; for run-operation, followed by the macro: "run-operation grant_select".
        select: dbt's --select, as a list of selection criteria.
        exclude: dbt's --exclude.
        selector: The name of a selector from selectors.yml; not with select or exclude.
        vars: dbt's --vars. Part of the pod's arguments: never a place for a secret.
        full_refresh: dbt's --full-refresh.
        target: Another target than the settings'.
        flags: More of dbt's own flags, each an argument of its own.
        allow_empty: Whether a selection that matches nothing is fine.
    """

    command: str = "build"
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    selector: str | None = None
    vars: Mapping[str, Any] = field(default_factory=dict)
    full_refresh: bool = False
    target: str | None = None
    flags: tuple[str, ...] = ()
    allow_empty: bool = False

    def __post_init__(self) -> None:
        name, macro = self._split()
        if name not in COMMANDS:
            raise ConfigError(f"dbt command '{self.command}' is not one of {', '.join(sorted(COMMANDS))}.")
        if (name == "run-operation") != bool(macro):
            raise ConfigError(f"dbt command '{self.command}': only run-operation takes a macro's name, and it must.")
        if self.selector and (self.select or self.exclude):
            raise ConfigError(f"Selector '{self.selector}' stands beside select or exclude. Give one or the other.")
        for option in ("select", "exclude", "selector", "full_refresh"):
            if getattr(self, option) and option not in COMMANDS[name]:
                raise ConfigError(f"dbt {name} takes no {option}. Remove it.")

    @classmethod
    def of(
        cls,
        *,
        select: str | Iterable[str] = (),
        exclude: str | Iterable[str] = (),
        flags: Iterable[str] = (),
        **fields: Any,
    ) -> Self:
        """Builds a step from what a DAG author writes: strings are split at spaces as dbt's own CLI does."""
        return cls(select=_words(select), exclude=_words(exclude), flags=tuple(flags), **fields)

    def _split(self) -> tuple[str, str]:
        words = self.command.split()
        if words[:1] == ["run-operation"]:
            return words[0], " ".join(words[1:])
        return " ".join(words), ""

    def arguments(self, default_target: str) -> list[str]:
        """The container's arguments: dbt's own command line, without the word dbt."""
        arguments = [*self.command.split(), "--target", self.target or default_target]
        if self.select:
            arguments += ["--select", *self.select]
        if self.exclude:
            arguments += ["--exclude", *self.exclude]
        if self.selector:
            arguments += ["--selector", self.selector]
        if self.vars:
            arguments += ["--vars", json.dumps(dict(self.vars), sort_keys=True)]
        if self.full_refresh:
            arguments.append("--full-refresh")
        return [*arguments, *self.flags]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able fields that differ from their defaults: what travels with an Airflow task."""
        values = {
            "command": self.command,
            "select": list(self.select),
            "exclude": list(self.exclude),
            "selector": self.selector,
            "vars": dict(self.vars),
            "full_refresh": self.full_refresh,
            "target": self.target,
            "flags": list(self.flags),
            "allow_empty": self.allow_empty,
        }
        return {key: value for key, value in values.items() if value or key == "command"}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads back what `to_dict` wrote.

        Raises:
            ConfigError: A key is unknown.
        """
        unknown = set(values) - set(cls.__dataclass_fields__)
        if unknown:
            raise ConfigError(f"Step: unknown field {', '.join(sorted(unknown))}.")
        return cls.of(**values)


def _words(value: str | Iterable[str]) -> tuple[str, ...]:
    parts: Sequence[str] = value.split() if isinstance(value, str) else tuple(value)
    return tuple(part for part in parts if part)
