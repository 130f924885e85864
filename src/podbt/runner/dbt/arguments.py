"""dbt's command line, parsed once: what a run is about, and the command lines that are made of it.

It is just enough for that. dbt itself parses the words in the end.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

from podbt.contract.kinds import Command
from podbt.runner.dbt.options import MANY_VALUES, NO_VALUE, ONE_VALUE

SELECT: Final = frozenset({"--select", "-s", "--models", "--model", "-m"})
EXCLUDE: Final = frozenset({"--exclude"})
SELECTOR: Final = frozenset({"--selector"})
TARGET: Final = frozenset({"--target", "-t"})
STATE: Final = frozenset({"--state"})
KINDS: Final = frozenset({"--resource-type", "--resource-types", "--exclude-resource-type", "--exclude-resource-types"})
NARROWING: Final = frozenset({"--empty", "--sample", "--event-time-start", "--event-time-end"})
"""Options with which a build does not build all rows."""
FILTERS: Final = SELECT | EXCLUDE | SELECTOR | KINDS | NARROWING
"""Options with which a build does not build everything, or not with all rows."""

_GROUPS: Final = frozenset(command.partition(" ")[0] for command in Command if " " in command)
_UNRECORDED: Final = frozenset({"clean", "debug", "deps", "init", "list", "ls", "parse", "show"})
_COMMANDS: Final = frozenset(command.partition(" ")[0] for command in Command) | _UNRECORDED
STATE_METHODS: Final = frozenset({"state", "result", "source_status"})
"""dbt's methods of selection that ask a state."""
# A criterion that asks the state: state:modified+, @state:new, 1+result:error, source_status:fresher+ …
_STATE_METHOD: Final = re.compile(rf"^(?:@|\d*\+)?({'|'.join(sorted(STATE_METHODS))}):")


@dataclass(frozen=True)
class _Part:
    """An option with its values, or words that belong to no option."""

    words: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.words[0].partition("=")[0]

    @property
    def value(self) -> str | None:
        _, equals, given = self.words[0].partition("=")
        return given if equals else (self.words[1] if len(self.words) > 1 else None)

    @property
    def values(self) -> list[str]:
        """All its values; dbt splits each at spaces, too."""
        _, equals, first = self.words[0].partition("=")
        return [part for value in [*([first] if equals else []), *self.words[1:]] for part in value.split()]

    @property
    def free(self) -> Sequence[str]:
        """The words that are no option and no option's value."""
        if not self.name.startswith("-"):
            return self.words
        if self.name in NO_VALUE | ONE_VALUE | MANY_VALUES:
            return ()
        # An option of another release of dbt, which may have a value or none: a command behind it is taken for one.
        return next((self.words[index:] for index, word in enumerate(self.words) if word in _COMMANDS), ())


@dataclass(frozen=True)
class Arguments:
    """dbt's arguments. Options are named as dbt spells them, `--target`; a name that dbt does not know is kept."""

    parts: tuple[_Part, ...]

    @classmethod
    def parse(cls, words: Iterable[str]) -> Self:
        return cls(tuple(_Part(tuple(part)) for part in _parts(words)))

    @property
    def words(self) -> list[str]:
        """As dbt takes them."""
        return [word for part in self.parts for word in part.words]

    @cached_property
    def command(self) -> str | None:
        """The dbt command, "source freshness" style for groups; None where there is none."""
        free = [word for part in self.parts for word in part.free]
        if not free or free[0] not in _COMMANDS:
            return None
        if free[0] in _GROUPS:
            following = free[1] if len(free) > 1 else ""
            return f"{free[0]} {'freshness' if following == 'snapshot-freshness' else following}".strip()
        return free[0]

    @cached_property
    def state_methods(self) -> frozenset[str]:
        """Which of dbt's methods that ask a state the selection uses: state, result, source_status."""
        criteria = (criterion for value in self.values(SELECT | EXCLUDE) for criterion in value.split(","))
        return frozenset(match[1] for criterion in criteria if (match := _STATE_METHOD.match(criterion)))

    def has(self, names: frozenset[str]) -> bool:
        """Whether any of some options is given."""
        return any(part.name in names for part in self.parts)

    def value(self, names: frozenset[str]) -> str | None:
        """The value of the last of some options, given as `--name value` or `--name=value`."""
        return next((part.value for part in reversed(self.parts) if part.name in names), None)

    def values(self, names: frozenset[str]) -> list[str]:
        """All values of some options."""
        return [value for part in self.parts if part.name in names for value in part.values]

    def only(self, names: frozenset[str]) -> Self:
        """Some options and their values, and nothing else."""
        return type(self)(tuple(part for part in self.parts if part.name in names))

    def without(self, names: frozenset[str]) -> Self:
        """All but some options and their values."""
        return type(self)(tuple(part for part in self.parts if part.name not in names))

    def plus(self, *words: str) -> Self:
        """With more options behind them."""
        return type(self)((*self.parts, *self.parse(words).parts))

    def without_state_methods(self) -> Self:
        """The selection as if every node were modified, failed and fresher: what it could match at most.

        A part of an intersection goes and leaves the others; a criterion of which nothing is left means everything. An
        exclusion by state goes as a whole, since there is no state in which something could be unchanged.
        """
        return type(self)(tuple(changed for part in self.parts if (changed := _without_state_methods(part))))


def _without_state_methods(part: _Part) -> _Part | None:
    if part.name in SELECT:
        kept = [_rest(criterion) for criterion in part.values]
        return _Part((part.name, *kept)) if all(kept) else None
    if part.name in EXCLUDE:
        kept = [criterion for criterion in part.values if _rest(criterion) == criterion]
        return _Part((part.name, *kept)) if kept else None
    return part


def _rest(criterion: str) -> str:
    return ",".join(part for part in criterion.split(",") if not _STATE_METHOD.match(part))


def _parts(words: Iterable[str]) -> Iterator[list[str]]:
    """Splits words into options with their values, and words that belong to no option.

    An option that is not in the tables takes all words up to the next option.
    """
    part: list[str] = []
    for word in words:
        if part and not _lacks(part) and (word.startswith("-") or _is_complete(part)):
            yield part
            part = []
        part.append(word)
    if part:
        yield part


def _lacks(part: Sequence[str]) -> bool:
    """Whether an option takes the next word whatever it looks like."""
    return part[0] in ONE_VALUE and len(part) == 1


def _is_complete(part: Sequence[str]) -> bool:
    name, equals, _ = part[0].partition("=")
    return name in NO_VALUE or (name in ONE_VALUE and (bool(equals) or len(part) > 1))
