"""How old sources are, as dbt's sources.json has it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from podbt.contract.kinds import NodeStatus
from podbt.errors import ConfigError

_SECONDS: Final[Mapping[str, int]] = {"minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True, kw_only=True, slots=True)
class Freshness:
    """How old a source was when it was asked.

    Attributes:
        age_seconds: Of its newest row; None where it could not be asked.
        newest: When that row is from, in ISO 8601.
        warn_after: Seconds; None: the project does not say.
        error_after: As warn_after.
    """

    unique_id: str
    status: str
    age_seconds: float | None = None
    newest: str | None = None
    warn_after: float | None = None
    error_after: float | None = None


def read_freshness(content: bytes) -> list[Freshness]:
    """The sources of a sources.json.

    Raises:
        ConfigError: It is none.
    """
    try:
        return list(_sources(json.loads(content)))
    except (ValueError, TypeError, AttributeError, KeyError):
        raise ConfigError("sources.json is not what dbt writes.") from None


def _sources(data: Mapping[str, Any]) -> Iterator[Freshness]:
    for one in data["results"]:
        criteria = one.get("criteria") or {}
        status = str(one["status"])
        age = one.get("max_loaded_at_time_ago_in_s")
        yield Freshness(
            unique_id=str(one["unique_id"]),
            status=NodeStatus.ERROR.value if status == NodeStatus.RUNTIME_ERROR else status,
            age_seconds=None if age is None else float(age),
            newest=str(one["max_loaded_at"]) if one.get("max_loaded_at") else None,
            warn_after=_seconds(criteria.get("warn_after")),
            error_after=_seconds(criteria.get("error_after")),
        )


def _seconds(limit: Any) -> float | None:
    if not isinstance(limit, Mapping) or not limit.get("count"):
        return None
    return float(limit["count"]) * _SECONDS.get(str(limit.get("period")), 0) or None
