"""The runner as a process, with real dbt and a real PostgreSQL."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.postgres import PASSWORD, Server, server

PROJECT = Path(__file__).parent / "project"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture(scope="session")
def baked(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an image build leaves."""
    return bake(PROJECT, postgres, tmp_path_factory.mktemp("baked"))


@pytest.fixture(scope="session")
def baked_shop(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bake(PROJECT.parent / "shop", postgres, tmp_path_factory.mktemp("baked-shop"))


def bake(project: Path, postgres: Server, folder: Path) -> Path:
    """Plans a project with the very connection of the runs, so that dbt accepts the partial parse."""
    program = "import sys; from podbt.cli import main; sys.exit(main())"
    env = os.environ | {"WAREHOUSE_PORT": str(postgres.port), "WAREHOUSE_PASSWORD": PASSWORD}
    arguments = ["plan", "--project-dir", str(project), "--output", str(folder)]
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, env=env)
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
    """Runs `podbt run -- …` as the image's entry point does."""

    folder: Path
    port: int
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

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", "from podbt.cli import main; raise SystemExit(main())", "run", "--", *arguments],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def start_with(self, env: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
        """As start, with more variables for this once."""
        kept = dict(self.env)
        self.env |= env
        try:
            return self.start(*arguments)
        finally:
            self.env = kept

    def run_with(self, env: dict[str, str], *arguments: str) -> Ended:
        process = self.start_with(env, *arguments)
        output, _ = process.communicate(timeout=300)
        return Ended(process.returncode, output)

    def run(self, *arguments: str) -> Ended:
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=300)
        return Ended(process.returncode, output)

    def folders(self) -> list[Path]:
        return sorted(path for path in self.artifacts.glob("runs/*/*/*/*") if path.is_dir())

    def record(self) -> dict[str, Any]:
        (folder,) = self.folders()
        return dict(json.loads((folder / "run.json").read_text()))


@pytest.fixture
def runner(postgres: Server, baked: Path, tmp_path: Path) -> Runner:
    shutil.copytree(PROJECT, tmp_path / "project")
    made = Runner(tmp_path, postgres.port, {"PODBT_BAKED": str(baked)})
    made.artifacts.mkdir()
    return made
