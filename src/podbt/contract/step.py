"""Step: what one dbt container runs."""

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from podbt.contract.kinds import (
    REFRESHING_COMMANDS,
    SELECTING_COMMANDS,
    STEP_COMMANDS,
    Command,
    FreshnessMode,
    OnMissingState,
)
from podbt.contract.variables import texts
from podbt.errors import ConfigError, EmptySelectionError

_TAKEN_BY: Final = {
    **dict.fromkeys(("select", "exclude", "selector"), SELECTING_COMMANDS),
    "full_refresh": REFRESHING_COMMANDS,
}
"""Which commands take a field that not all of them take."""
THEN: Final = "&&"
"""Between two commands in a container's arguments: the second runs where the first did not fail."""
ALWAYS: Final = ";"
"""The same: the second runs in any case."""

_OF_A_COMMAND: Final = frozenset(
    {"command", "select", "exclude", "selector", "vars", "full_refresh", "target", "flags", "state", "defer",
     "favor_state"}
)  # fmt: skip
"""Fields that each of several commands has of its own."""
_SHARED: Final = frozenset({"vars", "target"})
"""Those of them that may be said once, for all that do not say them."""
_YES_OR_NO: Final = frozenset({"full_refresh", "allow_empty", "resume", "events", "defer", "favor_state", "keep_going"})
_TRUTH: Final = {"true": True, "false": False}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One dbt command with its selection.

    Attributes:
        command: One of `STEP_COMMANDS`; for run-operation, followed by the macro: "run-operation grant_select".
        select: dbt's --select, as a list of selection criteria.
        exclude: dbt's --exclude.
        selector: The name of a selector from selectors.yml; not with select or exclude.
        vars: dbt's --vars. Part of the pod's arguments: never a place for a secret.
        full_refresh: dbt's --full-refresh.
        target: Another target than the settings'.
        flags: More of dbt's own flags, each an argument of its own.
        allow_empty: Whether a selection that matches nothing is fine.
        resume: Whether a try goes on where an earlier try of the same task instance stopped.
        events: Whether the runner prints progress for machines, see `podbt.contract.events`.
        state: The name of a state to compare with and defer to: a target, for its last complete build, or
            "<target>:latest-success", for its last run that succeeded.
        defer: dbt's --defer: read what is not selected from where the state's target built it.
        favor_state: dbt's --favor-state: read it from there even where this target has it, too.
        on_missing_state: What to do where there is no such state, see `OnMissingState`.
        freshness: Whether to look at the sources first, and what to do where one is too old, see `FreshnessMode`.
            None: do not look.
        env: Plain variables of dbt's environment: visible where the run is, and never a place for a secret.
        plan_hash: The plan that the step was made from; an image with another one refuses to run.
        commands: Several commands instead of one, run in this order; only what each has of its own counts in them.
        keep_going: Whether those behind a command that failed run, too.
    """

    command: str = Command.BUILD
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    selector: str | None = None
    vars: Mapping[str, Any] = field(default_factory=dict)
    full_refresh: bool = False
    target: str | None = None
    flags: tuple[str, ...] = ()
    allow_empty: bool = False
    resume: bool = True
    events: bool = False
    state: str | None = None
    defer: bool = False
    favor_state: bool = False
    on_missing_state: str = OnMissingState.FAIL
    freshness: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    plan_hash: str | None = None
    commands: tuple["Step", ...] = ()
    keep_going: bool = False

    def __post_init__(self) -> None:
        name, macro = self._split()
        if name not in STEP_COMMANDS:
            raise ConfigError(f"dbt command '{self.command}' is not one of {', '.join(sorted(STEP_COMMANDS))}.")
        if (name == Command.RUN_OPERATION) != bool(macro):
            raise ConfigError(f"dbt command '{self.command}': only run-operation takes a macro's name, and it must.")
        self._check_words()
        if self.selector and (self.select or self.exclude):
            raise ConfigError(f"Selector '{self.selector}' stands beside select or exclude. Give one or the other.")
        for option, commands in _TAKEN_BY.items():
            if getattr(self, option) and name not in commands:
                raise ConfigError(f"dbt {name} takes no {option}. Remove it.")
        self._check_state(name)
        if self.freshness is not None:
            if self.freshness not in set(FreshnessMode):
                modes = " or ".join(FreshnessMode)
                raise ConfigError(f"Step: freshness is '{self.freshness}'. Give {modes}, or leave it out.")
            if name not in SELECTING_COMMANDS - {Command.SOURCE_FRESHNESS}:
                raise ConfigError(f"dbt {name} takes no freshness. Remove it.")

    def _check_words(self) -> None:
        if mark := {THEN, ALWAYS} & {*self.command.split(), *self.select, *self.exclude, *self.flags}:
            raise ConfigError(f"'{mark.pop()}' stands between commands. Give several as commands.")
        for word in (*self.select, *self.exclude, self.selector or "", self.target or ""):
            if word.startswith("-"):  # dbt would take it for a flag
                raise ConfigError(f"'{word}' begins with a dash. Name what to select or the target; flags are flags.")

    def _check_state(self, name: str) -> None:
        if self.on_missing_state not in set(OnMissingState):
            modes = " or ".join(OnMissingState)
            raise ConfigError(f"Step: on_missing_state is '{self.on_missing_state}'. Give {modes}.")
        if self.state and name not in SELECTING_COMMANDS:
            raise ConfigError(f"dbt {name} takes no state. Remove it.")
        stated = self.state or any(one.state for one in self.commands)
        if not stated and (self.defer or self.favor_state or self.on_missing_state != OnMissingState.FAIL):
            raise ConfigError("defer, favor_state and on_missing_state need a state. Add state, a target's name.")
        if self.favor_state and not self.defer:
            raise ConfigError("favor_state only says how to defer. Add defer=True or remove it.")

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
        return cls(select=_names(select), exclude=_names(exclude), flags=_words(flags), **fields)

    def _split(self) -> tuple[str, str]:
        words = self.command.split()
        if words[:1] == [Command.RUN_OPERATION]:
            return words[0], " ".join(words[1:])
        return " ".join(words), ""

    def arguments(self, default_target: str) -> list[str]:
        """The container's arguments: dbt's own command line, without the word dbt, or several of them."""
        if self.commands:
            first, *others = (one.arguments(self.target or default_target) for one in self.commands)
            between = ALWAYS if self.keep_going else THEN
            return [*first, *(word for other in others for word in (between, *other))]
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
        if self.state:
            arguments += ["--state", self.state]
        if self.defer:
            arguments.append("--defer")
        if self.favor_state:
            arguments.append("--favor-state")
        return [*arguments, *self.flags]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Builds a step from plain data, such as an Airflow task carries once its templates are rendered.

        Templates render to text, so "True" and "False" stand for themselves and an empty text for nothing.

        Raises:
            ConfigError: A key is unknown or a value is not what the field takes.
            EmptySelectionError: select is an empty list.
        """
        unknown = set(values) - set(cls.__dataclass_fields__)
        if unknown:
            raise ConfigError(f"Step: unknown field {', '.join(sorted(unknown))}.")
        fields = {key: _truth(key, value) for key, value in values.items() if value not in ("", None)}
        for name in ("vars", "env"):
            if not isinstance(fields.get(name, {}), Mapping):
                raise ConfigError(f"Step: {name} is not a mapping of names to values.")
        try:
            fields["env"] = texts(fields.get("env", {}))
        except ValueError as error:
            raise ConfigError(f"Step: env: {error}.") from None
        if isinstance(given := fields.get("select"), list | tuple) and not any(given):
            raise EmptySelectionError(allowed=bool(fields.get("allow_empty")))
        if "commands" in fields:
            fields["commands"] = cls._several(fields)
        elif fields.get("keep_going"):
            raise ConfigError("keep_going says what several commands do. Give commands or remove it.")
        return cls.of(**fields)

    @classmethod
    def _several(cls, fields: Mapping[str, Any]) -> tuple[Self, ...]:
        """Each of several commands as a step, with what is said once for all of them."""
        if beside := sorted((_OF_A_COMMAND - _SHARED | {"freshness"}) & set(fields)):
            raise ConfigError(f"{' and '.join(beside)} stands beside commands. Say it of the command that it is for.")
        if isinstance(fields["commands"], str) or not isinstance(fields["commands"], Iterable):
            raise ConfigError("Step: commands is no list. Give command for a single one.")
        shared = {name: fields[name] for name in _SHARED & set(fields)}
        found = tuple(cls._one_of_several(one, shared) for one in fields["commands"])
        if not found:
            raise ConfigError("Step: commands is an empty list. Give what to run.")
        return found

    @classmethod
    def _one_of_several(cls, given: object, shared: Mapping[str, Any]) -> Self:
        if isinstance(given, str):
            return cls.from_dict({**shared, **_split_line(given)})
        if not isinstance(given, Mapping):
            raise ConfigError(f"Step: commands: {given!r} is neither a command line nor a mapping of fields.")
        if unknown := sorted(set(given) - _OF_A_COMMAND):
            raise ConfigError(f"Step: commands: {unknown[0]} is no field of a command. Give it beside commands.")
        return cls.from_dict({**shared, **given})


def _truth(name: str, value: Any) -> Any:
    """A value as its field takes it: one that is true or false may come as a text."""
    if name not in _YES_OR_NO or not isinstance(value, str):
        return value
    if value.lower() not in _TRUTH:
        raise ConfigError(f"Step: {name} is '{value}'. Give true or false.")
    return _TRUTH[value.lower()]


def _split_line(line: str) -> dict[str, Any]:
    """A command as people type it, such as "dbt build --select tag:daily": the command, and dbt's own flags."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise ConfigError(f"Step: commands: '{line}' is no command line: {error}.") from None
    words = words[words[:1] == ["dbt"] :]
    length = next((index for index, word in enumerate(words) if word.startswith("-")), len(words))
    return {"command": " ".join(words[:length]), "flags": words[length:]}


def _names(value: str | Iterable[object]) -> tuple[str, ...]:
    return tuple(filter(None, _words(value)))


def _words(value: str | Iterable[object]) -> tuple[str, ...]:
    """Words as they come over from a DAG file, or from another task: not all of them need be texts."""
    words = []
    for part in value.split() if isinstance(value, str) else value:
        if not isinstance(part, str):
            raise ConfigError(f"Step: {part!r} is no text. Give what to select and flags as texts.")
        words.append(part)
    return tuple(words)
