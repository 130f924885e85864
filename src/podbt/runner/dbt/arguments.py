"""Reads and changes the selection in dbt's argument list, as far as states and freshness need it."""

import re
from collections.abc import Iterable, Sequence

from podbt.runner.dbt.options import groups, name_of, values_of

SELECT = frozenset({"--select", "-s", "--models", "--model", "-m"})
EXCLUDE = frozenset({"--exclude"})
_OTHER_FILTERS = frozenset(
    {
        "--selector", "--resource-type", "--resource-types", "--exclude-resource-type", "--exclude-resource-types",
        "--empty", "--sample", "--event-time-start", "--event-time-end",
    }
)  # fmt: skip
FILTERS = SELECT | EXCLUDE | _OTHER_FILTERS
"""Options with which a build does not build everything, or not with all rows."""

# A criterion that asks the state: state:modified+, @state:new, 1+result:error, source_status:fresher+ …
_STATE_METHOD = re.compile(r"^(?:@|\d*\+)?(state|result|source_status):")


def values(arguments: Sequence[str], names: Iterable[str]) -> list[str]:
    """All values of some options."""
    wanted = frozenset(names)
    return [value for group in groups(arguments) if name_of(group) in wanted for value in values_of(group)]


def without(arguments: Sequence[str], names: Iterable[str]) -> list[str]:
    """The arguments but some options and their values."""
    dropped = frozenset(names)
    return [word for group in groups(arguments) if name_of(group) not in dropped for word in group]


def asked_methods(arguments: Sequence[str]) -> set[str]:
    """Which of dbt's methods that ask a state the selection uses: state, result, source_status."""
    parts = (part for value in values(arguments, SELECT | EXCLUDE) for part in value.split(","))
    return {match[1] for part in parts if (match := _STATE_METHOD.match(part))}


def without_state_methods(arguments: Sequence[str]) -> list[str]:
    """The selection as if every node were modified, failed and fresher: what it could match at most.

    A part of an intersection goes and leaves the others; a criterion of which nothing is left means everything. An
    exclusion by state goes as a whole, since there is no state in which something could be unchanged.
    """
    changed: list[str] = []
    for group in groups(arguments):
        if name_of(group) in SELECT:
            kept = [_rest(criterion) for criterion in values_of(group)]
            if all(kept):
                changed += [name_of(group), *kept]
        elif name_of(group) in EXCLUDE:
            excluded = [one for one in values_of(group) if _rest(one) == one]
            if excluded:
                changed += [name_of(group), *excluded]
        else:
            changed += group
    return changed


def _rest(criterion: str) -> str:
    return ",".join(part for part in criterion.split(",") if not _STATE_METHOD.match(part))
