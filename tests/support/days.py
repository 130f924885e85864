"""A project with a microbatch model of one batch a day, in which single days fail or take long."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.forks import Process
from tests.support.postgres import Server
from tests.support.runner import Ended, Runner
from tests.support.tiny import write_project

DAYS = 5
MODEL = """\
{{{{ config(materialized='incremental', incremental_strategy='microbatch', unique_key='id', event_time='at',
          batch_size='{size}', begin='{begin}', lookback={lookback}) }}}}
select id, at, txid_current() as written, {{{{ var('factor', 1) }}}} as factor,
    1 / (case when id in (select day from faults.bad) then 0 else 1 end) as whole,
    (select count(pg_sleep(seconds)) from faults.slow where slow.day = id) as slept
from {{{{ ref('visits') }}}}
"""
SEEDS = "seeds:\n  - {name: visits, config: {event_time: at, column_types: {at: timestamp}}}\n"
FILES = {
    "seeds/seeds.yml": SEEDS,
    "models/summary.sql": "select count(*) as visits from {{ ref('daily') }}",
    "models/daily.yml": "models: [{name: daily, columns: [{name: id, data_tests: [unique]}]}]\n",
    "models/first.sql": "select 1 / count(*) as whole from faults.gate",
}


def midnight(days_ago: int) -> datetime:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days_ago)


def beginning(size: str, ago: int) -> datetime:
    """When the hour, day, month or year began that was so many of them ago."""
    today = midnight(0)
    if size == "year":
        return today.replace(year=today.year - ago, month=1, day=1)
    if size == "month":
        months = today.year * 12 + today.month - 1 - ago
        return today.replace(year=months // 12, month=months % 12 + 1, day=1)
    if size == "hour":
        return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=ago)
    return midnight(ago)


@dataclass
class Days:
    """Runs steps on the project. The id of a day's only visit is how many days ago it was; `DAYS` - 1 is the first.

    Batches of another size are as many, and numbered alike.
    """

    runner: Runner
    database: Server
    tries: dict[str, int] = field(default_factory=dict)

    def prepare(self, *, lookback: int = 1, size: str = "day") -> None:
        self.runner.env.pop("PODBT_BAKED", None)
        began = [beginning(size, ago) for ago in range(DAYS + 2)]
        visits = [f"{ago},{at + timedelta(minutes=10):%Y-%m-%d %H:%M:%S}" for ago, at in enumerate(began)]
        self.files = {**FILES, "seeds/visits.csv": "\n".join(["id,at", *visits]) + "\n"}
        self.files["models/daily.sql"] = MODEL.format(
            begin=f"{began[DAYS - 1]:%Y-%m-%d %H:%M:%S}", lookback=lookback, size=size
        )
        write_project(self.runner.folder / "project", self.files)
        for statement in (
            "drop schema if exists tiny, faults cascade", "create schema faults",
            "create table faults.bad (day int)", "create table faults.slow (day int, seconds int)",
            "create table faults.gate as select 1 as id",
        ):  # fmt: skip
            self.database.query(statement)

    def breaks(self, *days: int) -> None:
        self.database.query("delete from faults.bad")
        for day in days:
            self.database.query(f"insert into faults.bad values ({day})")

    def _next(self, task: str, env: dict[str, str]) -> dict[str, str]:
        identity = {"PODBT_DAG_ID": "d", "PODBT_RUN_ID": "r", "PODBT_TASK_ID": task}
        if env.get("PODBT_RUN_ID", "r") != "r":
            return {**identity, **env}
        self.tries[task] = self.tries.get(task, 0) + 1
        return {**identity, "PODBT_TRY_NUMBER": str(self.tries[task]), **env}

    def step(self, *arguments: str, task: str = "build", **env: str) -> Ended:
        """The next try of a task; its first, where there was none."""
        return self.runner.run_with(self._next(task, env), *arguments)

    def start(self, *arguments: str, task: str = "build", **env: str) -> Process:
        return self.runner.start_with(self._next(task, env), *arguments)

    def folder(self, task: str = "build") -> Path:
        """The newest try's folder."""
        (found,) = self.runner.artifacts.glob(f"runs/d/r/{task}/try-{self.tries[task]}*")
        return found

    def node(self, name: str, task: str = "build") -> dict[str, Any]:
        lines = map(json.loads, (self.folder(task) / "nodes.jsonl").read_text().splitlines())
        return next(line for line in lines if line["name"] == name)

    def written(self) -> dict[int, int]:
        """By day, the transaction that wrote it last."""
        return dict(self.database.query("select id, written from tiny.daily"))

    def earlier(self, task: str, *, days: int) -> None:
        """Lets the newest try of a task have begun that many days ago."""
        file = self.folder(task) / "run.json"
        record = json.loads(file.read_text())
        for name in ("started_at", "invocation_started_at"):
            record[name] = (datetime.fromisoformat(record[name]) - timedelta(days=days)).isoformat()
        file.write_text(json.dumps(record))
