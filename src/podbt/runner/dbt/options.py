"""dbt's options and how many words each takes, so that a value is never taken for a command or the other way round.

dbt itself could tell, but importing it takes seconds, and a run has to know what it is about before. A test holds the
tables to dbt's own.
"""

from collections.abc import Iterator, Sequence
from typing import Final

# With a --no-… beside it.
_SWITCHES: Final = (
    "browser", "cache-selected-only", "clean-project-files-only", "compile", "debug", "defer", "empty",
    "export-saved-queries", "fail-fast", "favor-state", "include-saved-query", "inject-ephemeral-ctes", "introspect",
    "log-cache-events", "macro-debugging", "partial-parse", "partial-parse-file-diff", "populate-cache", "print",
    "quiet", "send-anonymous-usage-stats", "show-all-deprecations", "show-resource-report", "single-threaded",
    "static-parser", "upload-to-artifacts-ingest-api", "use-colors", "use-colors-file", "use-experimental-parser",
    "use-fast-test-edges", "version-check", "write-json",
)  # fmt: skip
NO_VALUE: Final = frozenset(
    {
        *(f"--{name}" for name in _SWITCHES), *(f"--no-{name}" for name in _SWITCHES),
        "--config-dir", "--connection", "--deprecated-no-print", "--deprecated-print", "--empty-catalog",
        "--full-refresh", "--help", "--lock", "--show", "--skip-profile-setup", "--static", "--store-failures",
        "--upgrade", "--version", "--warn-error", "-V", "-d", "-f", "-h", "-q", "-v", "-x",
    }
)  # fmt: skip
ONE_VALUE: Final = frozenset(
    {
        "--add-package", "--args", "--defer-state", "--deprecated-defer", "--deprecated-favor-state",
        "--deprecated-state", "--event-time-end", "--event-time-start", "--host", "--indirect-selection", "--inline",
        "--inline-direct", "--limit", "--log-file-max-bytes", "--log-format", "--log-format-file", "--log-level",
        "--log-level-file", "--log-path", "--output", "--partial-parse-file-path", "--port", "--printer-width",
        "--profile", "--profiles-dir", "--project-dir", "--record-timing-info", "--sample", "--selector", "--source",
        "--sqlparse", "--state", "--target", "--target-path", "--threads", "--vars", "--warn-error-options", "-o",
        "-r", "-t",
    }
)  # fmt: skip
MANY_VALUES: Final = frozenset(
    {
        "--exclude", "--exclude-resource-type", "--exclude-resource-types", "--model", "--models", "--output-keys",
        "--resource-type", "--resource-types", "--select", "-m", "-s",
    }
)  # fmt: skip


def groups(arguments: Sequence[str]) -> Iterator[list[str]]:
    """Splits arguments into options with their values. Words that belong to no option are a group of their own.

    An option that is not in the tables takes all words up to the next option.
    """
    group: list[str] = []
    for word in arguments:
        if group and not _lacks(group) and (word.startswith("-") or _is_complete(group)):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def name_of(group: Sequence[str]) -> str:
    return group[0].partition("=")[0]


def values_of(group: Sequence[str]) -> list[str]:
    """The values of an option; dbt splits each at spaces, too."""
    _, equals, first = group[0].partition("=")
    return [part for value in [*([first] if equals else []), *group[1:]] for part in value.split()]


def _lacks(group: Sequence[str]) -> bool:
    """Whether an option takes the next word whatever it looks like."""
    return group[0] in ONE_VALUE and len(group) == 1


def _is_complete(group: Sequence[str]) -> bool:
    name, equals, _ = group[0].partition("=")
    return name in NO_VALUE or (name in ONE_VALUE and (bool(equals) or len(group) > 1))
