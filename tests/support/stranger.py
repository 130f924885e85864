"""A project whose profiles.yml lies outside it, baked as an image build does it and run as its pods do."""

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.support.dbt_projects import write
from tests.support.forks import Forks
from tests.support.postgres import PASSWORD, Server
from tests.support.runner import Ended, ended

TARGETS = ("prod", "ci", "dev")


@dataclass
class Stranger:
    """One project, on targets whose schemas have their names."""

    folder: Path
    postgres: Server
    forks: Forks
    env: dict[str, str] = field(default_factory=dict)

    def write(self, files: dict[str, str]) -> None:
        write(self.folder / "project", files)
        connection = {
            "type": "postgres", "host": "127.0.0.1", "port": self.postgres.port, "user": "dbt", "password": PASSWORD,
            "dbname": "warehouse", "threads": 2,
        }  # fmt: skip
        outputs = {target: {**connection, "schema": f"stranger_{target}"} for target in TARGETS}
        (self.folder / "profiles").mkdir(exist_ok=True)
        profiles = yaml.safe_dump({"shop": {"target": "prod", "outputs": outputs}})
        (self.folder / "profiles/profiles.yml").write_text(profiles)
        for target in TARGETS:
            self.postgres.query(f"drop schema if exists stranger_{target} cascade")

    def bake(self, *arguments: str) -> Ended:
        shutil.rmtree(self.folder / "baked", ignore_errors=True)
        words = ["plan", "--project-dir", str(self.folder / "project"), "--output", str(self.folder / "baked")]
        return ended(self.forks.start(*words, *arguments, env=_inherited()))

    def run(self, *arguments: str, **env: str) -> Ended:
        """Runs one command in a pod of its own."""
        shutil.rmtree(self.folder / "scratch", ignore_errors=True)
        folders = {
            "PODBT_PROJECT_DIR": "project", "PODBT_SCRATCH": "scratch", "PODBT_BAKED": "baked",
            "PODBT_ARTIFACTS": "artifacts", "DBT_ENGINE_PROFILES_DIR": "profiles",
        }  # fmt: skip
        (self.folder / "artifacts").mkdir(exist_ok=True)
        found = {name: str(self.folder / folder) for name, folder in folders.items()}
        return ended(self.forks.start("run", "--", *arguments, env=_inherited() | found | self.env | env))

    @property
    def log(self) -> str:
        """dbt's own, of the last run."""
        return (self.folder / "scratch/podbt/logs/dbt.log").read_text()

    @property
    def took_the_baked_parse(self) -> bool:
        return "Partial parsing enabled" in self.log

    def manifest(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "scratch/podbt/target/manifest.json").read_text()))

    def relations(self) -> set[str]:
        tables = "information_schema.tables where table_schema like 'stranger%'"
        rows = self.postgres.query(f"select table_schema || '.' || table_name from {tables}")
        return {str(name) for (name,) in rows}


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PODBT_", "DBT_", "WAREHOUSE_"))}
