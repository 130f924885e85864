"""Just enough of dbt's command line to know what a run is about. dbt itself parses the arguments."""

from collections.abc import Sequence

# Commands whose work is nodes: with nothing selected they did nothing.
NODE_COMMANDS = frozenset({"build", "run", "test", "seed", "snapshot", "source freshness", "clone", "retry"})
# Commands whose success says something about the tables of a target.
BUILDING_COMMANDS = NODE_COMMANDS - {"source freshness"}
# Commands worth a record when a person runs them.
RECORDED_COMMANDS = NODE_COMMANDS | {"compile", "docs generate", "run-operation"}
_GROUPS = frozenset({"source", "docs"})
_COMMANDS = frozenset(
    {
        "build", "clean", "clone", "compile", "debug", "deps", "docs", "init", "list", "ls", "parse", "retry", "run",
        "run-operation", "seed", "show", "snapshot", "source", "test",
    }
)  # fmt: skip


def command_of(arguments: Sequence[str]) -> str | None:
    """The dbt command in an argument list, "source freshness" style for groups; None where there is none."""
    for index, word in enumerate(arguments):
        if word in _COMMANDS:
            following = arguments[index + 1] if index + 1 < len(arguments) else ""
            if word in _GROUPS:
                return f"{word} {'freshness' if following == 'snapshot-freshness' else following}".strip()
            return word
    return None


def option_of(arguments: Sequence[str], *names: str) -> str | None:
    """The value of the last occurrence of an option, given as `--name value` or `--name=value`."""
    value = None
    for index, word in enumerate(arguments):
        name, equals, given = word.partition("=")
        if name in names:
            value = given if equals else (arguments[index + 1] if index + 1 < len(arguments) else None)
    return value
