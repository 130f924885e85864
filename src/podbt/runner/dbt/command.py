"""Just enough of dbt's command line to know what a run is about. dbt itself parses the arguments."""

from collections.abc import Sequence

from podbt.contract.kinds import Command
from podbt.runner.dbt.options import MANY_VALUES, NO_VALUE, ONE_VALUE, groups, name_of

_GROUPS = frozenset(command.partition(" ")[0] for command in Command if " " in command)
_UNRECORDED = frozenset({"clean", "debug", "deps", "init", "list", "ls", "parse", "show"})
_COMMANDS = frozenset(command.partition(" ")[0] for command in Command) | _UNRECORDED


def command_of(arguments: Sequence[str]) -> str | None:
    """The dbt command in an argument list, "source freshness" style for groups; None where there is none."""
    words = [word for group in groups(arguments) for word in _free(group)]
    if not words or words[0] not in _COMMANDS:
        return None
    if words[0] in _GROUPS:
        following = words[1] if len(words) > 1 else ""
        return f"{words[0]} {'freshness' if following == 'snapshot-freshness' else following}".strip()
    return words[0]


def _free(group: Sequence[str]) -> Sequence[str]:
    """The words of a group that are no option and no option's value."""
    name = name_of(group)
    if not name.startswith("-"):
        return group
    if name in NO_VALUE | ONE_VALUE | MANY_VALUES:
        return ()
    # An option of another release of dbt, which may have a value or none: a command behind it is taken for one.
    return next((group[index:] for index, word in enumerate(group) if word in _COMMANDS), ())


def option_of(arguments: Sequence[str], *names: str) -> str | None:
    """The value of the last occurrence of an option, given as `--name value` or `--name=value`."""
    value = None
    for group in groups(arguments):
        if name_of(group) in names:
            _, equals, given = group[0].partition("=")
            value = given if equals else (group[1] if len(group) > 1 else None)
    return value
