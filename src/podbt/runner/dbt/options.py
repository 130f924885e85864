"""dbt's options and how many words each takes, so that a value is never taken for a command or the other way round.

dbt itself could tell, but importing it takes seconds, and a run has to know what it is about before. A test holds the
tables to dbt's own.
"""

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
