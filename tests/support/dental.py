"""dbt in process on one parsed manifest, and the generator as a program."""

import datetime as dt
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.support.postgres import PASSWORD, Server

PROJECT = Path(__file__).resolve().parents[2] / "dbt_dental_models"
AS_OF = dt.date(2026, 1, 15)
SELECTORS: dict[str, str] = {
    entry["name"]: entry["description"]
    for entry in yaml.safe_load((PROJECT / "selectors.yml").read_text())["selectors"]
}


@dataclass(frozen=True)
class Dbt:
    """Runs dbt commands; artifacts and logs stay out of the project."""

    folder: Path
    manifest: Any = None

    def invoke(self, *arguments: str) -> Any:
        from dbt.cli.main import dbtRunner  # takes seconds, in every process that collects tests

        folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
        scratch = ["--target-path", str(self.folder), "--log-path", str(self.folder), "--quiet"]
        target = [] if arguments[0] == "parse" else ["--target", "prod"]
        return dbtRunner(manifest=self.manifest).invoke([*arguments, *target, *folders, *scratch])

    def results(self, *arguments: str) -> dict[str, str]:
        """The status of each node that a command ran."""
        outcome = self.invoke(*arguments)
        assert outcome.exception is None, outcome.exception
        return {result.node.unique_id: str(result.status) for result in outcome.result.results}

    def passes(self, *arguments: str) -> dict[str, str]:
        """As results, and nothing may have failed."""
        results = self.results(*arguments)
        bad = {node: status for node, status in results.items() if status not in {"success", "pass", "no-op"}}
        assert not bad
        assert results
        return results

    def select(self, *arguments: str) -> set[str]:
        """The nodes that dbt resolves a selection to."""
        outcome = self.invoke("ls", *arguments, "--output", "json", "--output-keys", "unique_id")
        assert outcome.success, outcome.exception
        return {json.loads(line)["unique_id"] for line in outcome.result}


def generate(*arguments: str, port: int, password: str, user: str = "dbt") -> subprocess.CompletedProcess[str]:
    """Run the generator as people do: the folder, as a program."""
    connection = {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGDATABASE": "warehouse", "PGUSER": user}
    env = os.environ | connection | {"PGPASSWORD": password, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(PROJECT / "demo_data"), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def short(unique_ids: set[str]) -> set[str]:
    """Names without the package."""
    return {unique_id.split(".")[2] for unique_id in unique_ids}


def at(day: dt.date) -> tuple[str, str]:
    """The arguments of a run that does not depend on the clock."""
    return ("--vars", f"as_of_date: {day.isoformat()}")


def load(server: Server, *arguments: str) -> None:
    """Run the generator on the test's database."""
    ended = generate(*arguments, port=server.port, password=PASSWORD)
    assert ended.returncode == 0, ended.stderr


def empty(server: Server, *, template: str = "template1") -> None:
    """Replace the database that the manifest names."""
    server.query("drop database if exists warehouse with (force)", superuser=True)
    server.query(f"create database warehouse owner dbt template {template}", superuser=True)
