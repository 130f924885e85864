"""A project that builds as a whole, on two targets, from two sources."""

import json
import shutil
from pathlib import Path
from typing import Any

from tests.support.forks import Process
from tests.support.postgres import Server
from tests.support.runner import PROJECTS, Ended, Runner

SHOP = PROJECTS / "shop"
# Model `paid` is not among them: it is ephemeral, a part of the SQL of `sales`.
EVERYTHING = {
    "codes", "codes_used", "orders", "people", "people_history", "people_keep_their_ids",
    "relationships_sales_person__id__ref_people_", "sales", "unique_orders_id", "unique_people_id",
}  # fmt: skip


class Shop:
    """Runs steps on the project and reads back what they did."""

    def __init__(self, runner: Runner, postgres: Server, baked: Path) -> None:
        self.runner = runner
        self.database = postgres
        self.project = runner.folder / "project"
        self._steps = 0
        self._tries = 0
        self._run_id = ""
        shutil.rmtree(self.project)
        shutil.copytree(SHOP, self.project)
        runner.env["PODBT_BAKED"] = str(baked)
        postgres.query("drop schema if exists shop_raw, shop_prod, shop_ci cascade")
        postgres.query("create schema shop_raw")
        postgres.query("create table shop_raw.orders as select 1 as id, 7 as person, now() as loaded_at")
        postgres.query("create table shop_raw.people as select 7 as id, now() as loaded_at")

    def age(self, table: str, hours: int) -> None:
        self.database.query(f"update shop_raw.{table} set loaded_at = now() - interval '{hours} hours'")

    def step(self, *arguments: str, run_id: str = "", **env: str) -> Ended:
        """Runs one step as Airflow does, each by default in a DAG run of its own."""
        self._steps += 1
        self._tries, self._run_id = 0, run_id or f"r{self._steps}"
        return self.retry(*arguments, **env)

    def retry(self, *arguments: str, **env: str) -> Ended:
        """Runs the last step's next try."""
        return self.runner.run_with(self._next_try() | env, *arguments)

    def start_retry(self, *arguments: str) -> Process:
        return self.runner.start_with(self._next_try(), *arguments)

    def _next_try(self) -> dict[str, str]:
        self._tries += 1
        task = {"PODBT_TASK_ID": f"t{self._steps}", "PODBT_TRY_NUMBER": str(self._tries)}
        return {"PODBT_DAG_ID": "d", "PODBT_RUN_ID": self._run_id} | task

    @property
    def folder(self) -> Path:
        """The last try's folder."""
        (found,) = self.runner.artifacts.glob(f"runs/d/*/t{self._steps}/try-{self._tries}")
        return found

    @property
    def record(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "run.json").read_text()))

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """The last try's nodes, those carried over included."""
        return [json.loads(line) for line in (self.folder / "nodes.jsonl").read_text().splitlines()]

    @property
    def ran(self) -> set[str]:
        """Names of the nodes that the last try ran, without those that it carried over."""
        return {node["name"] for node in self.nodes if node.get("from_try") is None}

    def pointer(self, target: str, name: str) -> dict[str, Any] | None:
        file = self.runner.artifacts / f"targets/{target}/{name}.json"
        return dict(json.loads(file.read_text())) if file.exists() else None
