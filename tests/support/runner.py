"""The runner as a process, with real dbt."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.forks import Forks, Process
from tests.support.postgres import PASSWORD, Server
from tests.support.releases import spelled

PROJECTS = spelled(Path(__file__).parent / "projects")
SMALL = PROJECTS / "small"
"""A project of which single models fail, sleep and warn."""

ENTRY_POINT = "from podbt.cli import main; raise SystemExit(main())"


def bake(project: Path, postgres: Server, folder: Path, forks: Forks) -> Path:
    """Plans a project with the very connection of the runs, so that dbt accepts the partial parse."""
    env = os.environ | {"WAREHOUSE_PORT": str(postgres.port), "WAREHOUSE_PASSWORD": PASSWORD}
    planned = forks.start("plan", "--project-dir", str(project), "--output", str(folder), env=env)
    output, _ = planned.communicate(timeout=300)
    assert planned.returncode == 0, output
    return folder


@dataclass
class Ended:
    code: int
    output: str

    @property
    def last_line(self) -> str:
        return self.output.strip().splitlines()[-1]


@dataclass
class Runner:
    """Runs `podbt run -- …` as the image's entry point does, in forks of a process that has imported dbt.

    The methods that end in `anew` start a process of its own, for tests of what a fork does not have: its beginning.
    """

    folder: Path
    port: int
    forks: Forks
    env: dict[str, str] = field(default_factory=dict)

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    def environment(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PODBT_", "DBT_", "WAREHOUSE_"))}
        return inherited | {
            "PODBT_PROJECT_DIR": str(self.folder / "project"),
            "PODBT_SCRATCH": str(self.folder / "scratch"),
            "PODBT_ARTIFACTS": str(self.artifacts),
            "WAREHOUSE_PORT": str(self.port),
            "WAREHOUSE_PASSWORD": PASSWORD,
            **self.env,
        }

    def start(self, *arguments: str) -> Process:
        return self.forks.start("run", "--", *arguments, env=self.environment())

    def start_anew(self, *arguments: str) -> Process:
        return subprocess.Popen(
            [sys.executable, "-c", ENTRY_POINT, "run", "--", *arguments],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def start_with(self, env: dict[str, str], *arguments: str) -> Process:
        """As start, with more variables for this once."""
        kept = dict(self.env)
        self.env |= env
        try:
            return self.start(*arguments)
        finally:
            self.env = kept

    def run_with(self, env: dict[str, str], *arguments: str) -> Ended:
        return ended(self.start_with(env, *arguments))

    def run(self, *arguments: str) -> Ended:
        return ended(self.start(*arguments))

    def run_anew(self, *arguments: str) -> Ended:
        return ended(self.start_anew(*arguments))

    def folders(self) -> list[Path]:
        return sorted(path for path in self.artifacts.glob("runs/*/*/*/*") if path.is_dir())

    def record(self) -> dict[str, Any]:
        (folder,) = self.folders()
        return dict(json.loads((folder / "run.json").read_text()))


def ended(process: Process, seconds: float = 300) -> Ended:
    output, _ = process.communicate(timeout=seconds)
    assert process.returncode is not None
    return Ended(process.returncode, output)
