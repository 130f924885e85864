"""What the list of runs shows: what is late and what runs first, then what ended."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

from podbt.store.runs import STATUSES
from podbt.store.store import final_of
from podbt.web.index.database import Database, Scope
from podbt.web.index.runs import PAGE, Filter, LiveRun, Row, Runs, Trend
from podbt.web.views.run import is_late

_FEW: Final = 4
_LATER: Final = 1.5
_LOST_INTEREST: Final = 8.0
"""A task that has not run for so many of its intervals is switched off rather than late."""
_SLACK_SECONDS: Final = 600.0
_SILENT_SECONDS: Final = 120.0
_SCHEDULED: Final = "scheduled__"
PERIODS: Final[Mapping[str, timedelta]] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}


@dataclass(frozen=True, kw_only=True)
class Overdue:
    """A scheduled task that has not run for longer than it usually does."""

    dag_id: str
    task_id: str
    last_at: float
    every_seconds: float
    path: str


@dataclass(frozen=True, kw_only=True)
class Going:
    """A run that is not published, and how it is with it."""

    run: LiveRun
    now: datetime

    @property
    def path(self) -> str:
        """Its folder once it is published."""
        return final_of(self.run.path)

    @property
    def seconds(self) -> float:
        until = self.run.alive.at if self.silent else self.now
        return max(0.0, (until - self.run.alive.start.started_at).total_seconds())

    @property
    def silent(self) -> bool:
        return (self.now - self.run.alive.at).total_seconds() > _SILENT_SECONDS

    @property
    def status(self) -> str:
        if self.silent:
            return "silent"
        return "late" if is_late(self.seconds, self.run.usual_seconds) else "running"

    @property
    def done(self) -> int:
        return self.run.counts.get("total", 0)


@dataclass(frozen=True)
class Overview:
    """The list of runs.

    Attributes:
        database: The index.
        scope: Whose runs its reader may see.
        wanted: What it is cut down to.
        given: The same as it stands in the page's address.
        page: Which page of the list, from 1.
        now: The time.
    """

    database: Database
    scope: Scope
    wanted: Filter
    given: Mapping[str, Any]
    now: datetime
    page: int = 1

    @cached_property
    def _runs(self) -> Runs:
        return Runs(self.database)

    @cached_property
    def rows(self) -> Sequence[Row]:
        return self._runs.page(self.wanted, self.scope, page=self.page)

    @cached_property
    def counts(self) -> dict[str, int]:
        return self._runs.count(self.wanted, self.scope)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))

    @cached_property
    def work_seconds(self) -> float:
        return self._runs.seconds(self.wanted, self.scope)

    @cached_property
    def going(self) -> list[Going]:
        """Runs that last, late ones first."""
        found = [Going(run=run, now=self.now) for run in self._runs.live(self.scope) if self._fits(run)]
        return sorted(found, key=lambda one: ("late", "silent", "running").index(one.status))

    def _fits(self, run: LiveRun) -> bool:
        start, wanted = run.alive.start, self.wanted
        pairs = (
            (wanted.dag, start.identity.dag_id),
            (wanted.run, start.identity.run_id),
            (wanted.task, start.identity.task_id),
            (wanted.target, start.target),
        )
        return wanted.status is None and all(asked in {None, given} for asked, given in pairs)

    @cached_property
    def overdue(self) -> list[Overdue]:
        """Scheduled tasks that should have run by now, the latest first."""
        if self.wanted.run or self.wanted.status:
            return []
        since = (self.now - timedelta(days=60)).timestamp()
        rows = self.database.query(
            "SELECT dag_id, task_id, started_at, path FROM ("
            "SELECT dag_id, task_id, min(started_at) AS started_at, path, row_number() OVER "
            "(PARTITION BY dag_id, task_id ORDER BY min(started_at) DESC) AS place FROM runs "
            f"WHERE run_id LIKE :scheduled AND started_at > :since AND {self.scope.sql()} "
            "AND (:dag IS NULL OR dag_id = :dag) AND (:target IS NULL OR target = :target) "
            "GROUP BY dag_id, task_id, run_id) WHERE place <= 8 ORDER BY dag_id, task_id, started_at",
            {
                **self.scope.parameters,
                "scheduled": f"{_SCHEDULED}%",
                "since": since,
                "dag": self.wanted.dag,
                "target": self.wanted.target,
            },
        )
        tasks: dict[tuple[str, str], list[tuple[float, str]]] = {}
        for row in rows:
            tasks.setdefault((row["dag_id"], row["task_id"]), []).append((row["started_at"], row["path"]))
        going = {(one.run.alive.start.identity.dag_id, one.run.alive.start.identity.task_id) for one in self.going}
        found = [self._overdue(key, starts) for key, starts in tasks.items() if key not in going]
        return sorted((one for one in found if one), key=lambda one: one.last_at)

    def _overdue(self, task: tuple[str, str], starts: list[tuple[float, str]]) -> Overdue | None:
        times = [at for at, _ in starts]
        if len(times) < _FEW:
            return None
        every = statistics.median(b - a for a, b in pairwise(times))
        silent = self.now.timestamp() - times[-1]
        if not every * _LATER + _SLACK_SECONDS < silent < every * _LOST_INTEREST:
            return None
        return Overdue(dag_id=task[0], task_id=task[1], last_at=times[-1], every_seconds=every, path=starts[-1][1])

    @cached_property
    def unreadable(self) -> list[tuple[str, str]]:
        return self._runs.unreadable(self.scope)

    @cached_property
    def dags(self) -> list[str]:
        return self._runs.choices("dag_id", self.scope)

    @cached_property
    def targets(self) -> list[str]:
        return self._runs.choices("target", self.scope)

    @property
    def statuses(self) -> Sequence[str]:
        return STATUSES

    def trend(self, row: Row) -> Trend:
        """The runs of a row's task up to it."""
        return self._runs.trend(row.task, until=row.record.started_at)

    @property
    def filtered(self) -> bool:
        return any(value for key, value in self.given.items() if key != "page")
