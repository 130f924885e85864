"""What pages ask of the index about runs. Each question says whose runs its asker may see."""

import json
import sqlite3
import statistics
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from podbt import constants
from podbt.contract import layout
from podbt.contract.journal import Alive, fold
from podbt.contract.record import RunRecord
from podbt.contract.runs import Run
from podbt.web.index.database import Database, Scope

PAGE: Final = 50
_TREND: Final = 20
_FEW: Final = 3
"""Of fewer runs nothing is said to be usual."""
_COLUMNS: Final = (
    "id, path, dag_id, run_id, task_id, map_index, part, try_number, command, target, image, status, exit_reason, "
    "started_at, finished_at, seconds, total, docs, record"
)
_SAME_TASK: Final = "dag_id = :dag AND task_id = :task AND map_index = :map_index AND part IS :part"


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a list of runs is cut down to; None: no matter."""

    dag: str | None = None
    run: str | None = None
    task: str | None = None
    target: str | None = None
    status: str | None = None
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A published run without its nodes."""

    path: str
    record: RunRecord
    docs: bool = False

    @property
    def task(self) -> dict[str, Any]:
        """For statements: which runs are of the same task."""
        who = self.record.identity
        return {"dag": who.dag_id, "task": who.task_id, "map_index": who.map_index, "part": who.part}


@dataclass(frozen=True, kw_only=True)
class LiveRun:
    """A run that is not published: it lasts, or nobody has found yet that it does not.

    Attributes:
        counts: Nodes that ended, by status.
        running: Names of nodes that run.
        usual_seconds: The median of its task's last good runs; None where there are too few.
        usual_total: How many nodes its task's last run had.
    """

    path: str
    alive: Alive
    counts: dict[str, int]
    running: list[str]
    failed: int
    usual_seconds: float | None = None
    usual_total: int | None = None


@dataclass(frozen=True, kw_only=True)
class Trend:
    """The last runs of a task, the oldest first: seconds and status of each."""

    seconds: list[float]
    statuses: list[str]
    paths: list[str]

    @property
    def usual(self) -> float | None:
        """The median of those that went well; None where there are too few."""
        good = [s for s, status in zip(self.seconds, self.statuses, strict=True) if status == "success"]
        return statistics.median(good) if len(good) >= _FEW else None


@dataclass(frozen=True)
class Runs:
    """Asks the index."""

    database: Database

    def page(self, wanted: Filter, scope: Scope, *, page: int = 1) -> list[Row]:
        """Published runs, the newest first, a page of them."""
        where, parameters = _where(wanted, scope)
        sql = (
            f"SELECT {_COLUMNS} FROM runs WHERE {where} ORDER BY finished_at DESC, id DESC LIMIT :limit OFFSET :offset"
        )
        rows = self.database.query(
            sql,
            {**parameters, "limit": PAGE, "offset": (page - 1) * PAGE},
        )
        return [_row(row) for row in rows]

    def count(self, wanted: Filter, scope: Scope) -> dict[str, int]:
        """Published runs by status."""
        where, parameters = _where(wanted, scope)
        rows = self.database.query(f"SELECT status, count(*) FROM runs WHERE {where} GROUP BY status", parameters)
        return {str(status): int(count) for status, count in rows}

    def seconds(self, wanted: Filter, scope: Scope) -> float:
        """What published runs took, added up."""
        where, parameters = _where(wanted, scope)
        return float(self.database.query(f"SELECT total(seconds) FROM runs WHERE {where}", parameters)[0][0])

    def choices(self, column: str, scope: Scope) -> list[str]:
        """The values of a column that a list can be cut down to: dag_id or target."""
        sql = f"SELECT DISTINCT {column} FROM runs WHERE {scope.sql()} AND {column} IS NOT NULL ORDER BY 1"
        return [str(row[0]) for row in self.database.query(sql, scope.parameters)]

    def dag_ids(self) -> list[str]:
        """Of all runs, whoever asks: for whoever finds out what may be seen."""
        found = self.database.query("SELECT DISTINCT dag_id FROM runs UNION SELECT dag_id FROM live")
        return [str(row[0]) for row in found]

    def find(self, path: str, scope: Scope) -> Row | None:
        rows = self.database.query(
            f"SELECT {_COLUMNS} FROM runs WHERE path = :path AND {scope.sql()}", {**scope.parameters, "path": path}
        )
        return _row(rows[0]) if rows else None

    def run(self, path: str, scope: Scope) -> Run | None:
        """A published run with its nodes."""
        rows = self.database.query(
            f"SELECT record, nodes FROM runs WHERE path = :path AND {scope.sql()}", {**scope.parameters, "path": path}
        )
        if not rows:
            return None
        nodes = fold(zlib.decompress(rows[0]["nodes"]), source=f"{path}/{constants.NODES_FILE}")
        return Run(path=path, record=RunRecord.parse_json(rows[0]["record"], source=path), nodes=nodes)

    def of_task(self, dag: str, run: str, task: str, scope: Scope, *, map_index: int = -1) -> list[str]:
        """Folders of a task instance's tries and commands, the last first; those that last are before the others."""
        live = [one.path for one in self.live(scope) if _is_of(one.alive.start, dag, run, task, map_index)]
        found = self.database.query(
            "SELECT path FROM runs WHERE dag_id = :dag AND run_id = :run AND task_id = :task "
            f"AND map_index = :map_index AND {scope.sql()} ORDER BY try_number DESC, part DESC, finished_at DESC",
            {**scope.parameters, "dag": dag, "run": run, "task": task, "map_index": map_index},
        )
        return [*live, *(str(row["path"]) for row in found)]

    def before(self, row: Row, scope: Scope) -> str | None:
        """The folder of the run of the same task that ended last before one began; not a try of the same DAG run."""
        found = self.database.query(
            f"SELECT path FROM runs WHERE {_SAME_TASK} AND run_id != :run AND target IS :target "
            f"AND finished_at <= :began AND {scope.sql()} ORDER BY finished_at DESC LIMIT 1",
            {
                **scope.parameters,
                **row.task,
                "run": row.record.identity.run_id,
                "target": row.record.target,
                "began": row.record.started_at.timestamp(),
            },
        )
        return str(found[0]["path"]) if found else None

    def last(self, task: dict[str, Any], scope: Scope) -> Row | None:
        """The last published run of a task, by `Row.task`."""
        found = self.database.query(
            f"SELECT {_COLUMNS} FROM runs WHERE {_SAME_TASK} AND {scope.sql()} ORDER BY started_at DESC LIMIT 1",
            {**scope.parameters, **task},
        )
        return _row(found[0]) if found else None

    def tries(self, row: Row, scope: Scope) -> Sequence[Row]:
        """All tries of a run's task instance and command, the first first."""
        found = self.database.query(
            f"SELECT {_COLUMNS} FROM runs WHERE {_SAME_TASK} AND run_id = :run AND {scope.sql()} "
            "ORDER BY try_number, finished_at",
            {**scope.parameters, **row.task, "run": row.record.identity.run_id},
        )
        return [_row(one) for one in found]

    def siblings(self, dag: str, run: str, scope: Scope) -> Sequence[Row]:
        """All published runs of one DAG run, the first first."""
        found = self.database.query(
            f"SELECT {_COLUMNS} FROM runs WHERE dag_id = :dag AND run_id = :run AND {scope.sql()} ORDER BY started_at",
            {**scope.parameters, "dag": dag, "run": run},
        )
        return [_row(one) for one in found]

    def trend(self, task: dict[str, Any], *, until: datetime | None = None) -> Trend:
        """The last runs of a task up to one, by `Row.task`. The caller knows that its asker may see the task."""
        rows = self.database.query(
            f"SELECT path, seconds, status FROM runs WHERE {_SAME_TASK} AND started_at <= :until "
            "ORDER BY started_at DESC LIMIT :limit",
            {**task, "limit": _TREND, "until": (until or datetime.now(UTC)).timestamp()},
        )[::-1]
        return Trend(
            seconds=[float(row["seconds"]) for row in rows],
            statuses=[str(row["status"]) for row in rows],
            paths=[str(row["path"]) for row in rows],
        )

    def live(self, scope: Scope) -> Sequence[LiveRun]:
        """Runs that are not published, the one that began first first."""
        found = self.database.query(f"SELECT path, data FROM live WHERE {scope.sql()}", scope.parameters)
        runs = []
        for row in found:
            data = json.loads(row["data"])
            alive = Alive.parse(data.pop("alive"), source=str(row["path"]))
            trend, total = self._usual(alive)
            runs.append(LiveRun(path=str(row["path"]), alive=alive, usual_seconds=trend, usual_total=total, **data))
        return sorted(runs, key=lambda one: one.alive.start.started_at)

    def _usual(self, alive: Alive) -> tuple[float | None, int | None]:
        who = alive.start.identity
        task = {"dag": who.dag_id, "task": who.task_id, "map_index": who.map_index, "part": who.part}
        total = self.database.query(f"SELECT total FROM runs WHERE {_SAME_TASK} ORDER BY started_at DESC LIMIT 1", task)
        return self.trend(task).usual, int(total[0]["total"]) if total else None

    def unreadable(self, scope: Scope) -> list[tuple[str, str]]:
        """Folder and reason of published runs that cannot be read. Whose they are, their folder alone tells."""
        rows = self.database.query("SELECT path, dag_folder, why FROM unreadable ORDER BY path")
        folders = None if scope.dags is None else {layout.folder_name(one) for one in scope.dags}
        return [(row["path"], row["why"]) for row in rows if folders is None or row["dag_folder"] in folders]


def _is_of(start: Any, dag: str, run: str, task: str, map_index: int) -> bool:
    who = start.identity
    return (who.dag_id, who.run_id, who.task_id, who.map_index) == (dag, run, task, map_index)


def _where(wanted: Filter, scope: Scope) -> tuple[str, dict[str, Any]]:
    parts, parameters = [scope.sql()], dict(scope.parameters)
    for name, column in (("dag", "dag_id"), ("run", "run_id"), ("task", "task_id"), ("target", "target")):
        if (value := getattr(wanted, name)) is not None:
            parts.append(f"{column} = :{name}")
            parameters[name] = value
    if wanted.status is not None:
        parts.append("(status = :status OR exit_reason = :status)")
        parameters["status"] = wanted.status
    for name, comparison in (("since", ">="), ("before", "<")):
        if (when := getattr(wanted, name)) is not None:
            parts.append(f"finished_at {comparison} :{name}")
            parameters[name] = when.timestamp()
    return " AND ".join(parts), parameters


def _row(row: sqlite3.Row) -> Row:
    path = str(row["path"])
    return Row(path=path, record=RunRecord.parse_json(row["record"], source=path), docs=bool(row["docs"]))
