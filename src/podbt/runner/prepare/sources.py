"""How fresh a project's sources are: read from dbt's sources.json, measured by this run or by an earlier one."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from podbt import constants
from podbt.contract import layout
from podbt.contract.kinds import FAILED_STATUSES, FRESHNESS_STATUSES, NodeStatus
from podbt.contract.model import describe
from podbt.contract.record import Failure, RunIdentity, shorten
from podbt.contract.state import Pointer
from podbt.errors import ConfigError
from podbt.store.pointers import read_pointer
from podbt.store.runs import read_record
from podbt.store.store import Store

RECENT: Final = timedelta(hours=1)
"""How old the result of an earlier step may be; a DAG run that is cleared days later looks again."""

_CHARS = 500


class _Tolerant(BaseModel):
    """dbt's artifacts have more keys than are read here, and each release may add some."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Limit(_Tolerant):
    count: int | None = None
    period: str | None = None


class Criteria(_Tolerant):
    warn_after: Limit | None = None
    error_after: Limit | None = None


def _of_a_source(status: NodeStatus) -> NodeStatus:
    if status not in FRESHNESS_STATUSES:
        raise ValueError(f"'{status}' is no status of a source")
    return status


class SourceResult(_Tolerant):
    """One source in sources.json; of one that could not be asked only the first and the last two keys are there."""

    unique_id: str
    max_loaded_at: datetime | None = None
    max_loaded_at_time_ago_in_s: float | None = None
    criteria: Criteria = Criteria()
    error: str | int | None = None
    status: Annotated[NodeStatus, AfterValidator(_of_a_source)]

    @property
    def too_old(self) -> bool:
        """Whether nothing should be built on it. What could not be asked is not trusted either."""
        return self.status in FAILED_STATUSES

    def failure(self) -> Failure:
        """The source as a record names it, with how old it is."""
        message = str(self.error or self.status)
        if self.max_loaded_at is not None and self.max_loaded_at_time_ago_in_s is not None:
            hours = self.max_loaded_at_time_ago_in_s / 3600
            limit = self.criteria.warn_after if self.status == NodeStatus.WARN else self.criteria.error_after
            asked = f", {self.status} after {limit.count} {limit.period}" if limit and limit.count else ""
            message = f"newest row is from {self.max_loaded_at:%Y-%m-%d %H:%M:%S}, {hours:.1f} hours old{asked}"
        return Failure(unique_id=self.unique_id, status=self.status, message=shorten(message, _CHARS))


class _Metadata(_Tolerant):
    generated_at: datetime


class Sources(_Tolerant):
    """sources.json."""

    metadata: _Metadata
    results: list[SourceResult]

    @classmethod
    def parse(cls, content: bytes, *, source: str) -> "Sources":
        """Reads what dbt wrote.

        Raises:
            ConfigError: It is no sources.json that this podbt understands.
        """
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            raise ConfigError(f"{source}: {describe(error)}") from None


def earlier_step(store: Store, identity: RunIdentity, target: str | None, now: datetime | None = None) -> str | None:
    """Finds what an earlier step of the same DAG run measured on the same target.

    Returns:
        Path of its sources.json in the store; None where there is none, or none recent enough.
    """
    now = now or datetime.now(UTC)
    steps = "/".join((layout.RUNS, *map(layout.folder_name, (identity.dag_id, identity.run_id))))
    tries = (f"{steps}/{task}/{name}" for task in store.children(steps) for name in store.children(f"{steps}/{task}"))
    found: list[tuple[datetime, str]] = []
    for run in tries:
        path = f"{run}/{constants.SOURCES_FILE}"
        if run.endswith(layout.PARTIAL_SUFFIX) or store.modified(path) is None:
            continue
        try:
            record = read_record(store, run)
            measured = Sources.parse(store.read(path), source=path).metadata.generated_at
        except FileNotFoundError:  # in a bucket: not published yet
            continue
        except ConfigError:  # damaged, or of another version: the sources are then measured again
            continue
        if record.target == target and now - measured < RECENT:
            found.append((measured, path))
    return max(found)[1] if found else None


def last_on_target(store: Store, target: str | None) -> str | None:
    """Path in the store of the sources.json that was measured last on a target."""
    pointer = read_pointer(Pointer, store, target, layout.FRESHNESS) if target else None
    return f"{pointer.run}/{constants.SOURCES_FILE}" if pointer else None


def complete_sources(file: Path, results: Iterable[Any]) -> None:
    """Adds to dbt's sources.json the sources that dbt could not ask.

    Those that end in a database error are in dbt's results but not in the file, as of dbt-core 1.11.

    Args:
        file: sources.json as dbt wrote it; nothing happens where there is none.
        results: dbt's own, one a source.
    """
    if not file.is_file():
        return
    data = json.loads(file.read_bytes())
    told = {result["unique_id"] for result in data["results"]}
    for result in results:
        unique_id = str(result.node.unique_id)
        if unique_id not in told:
            error = str(getattr(result, "message", None) or "dbt does not say why")
            data["results"].append({"unique_id": unique_id, "error": error, "status": NodeStatus.RUNTIME_ERROR})
    file.write_text(json.dumps(data))
