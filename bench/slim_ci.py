"""What a pull request builds, and how long that takes beside a full build.

    make bench-ci
    .venv/bin/python -m bench.slim_ci [--patients 60]

dbt_dental_models on a PostgreSQL of its own. Production is built once on target prod; then each change of CHANGES is
made to a checkout of its own and built by `podbt ci` against production's state. Beside it stands what `dbt ls --select
state:modified+` says, and the seconds of full builds into empty schemas, one before the changes and one after them. All
seconds are of whole processes; the build without rows is among them.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.runner_overhead import DBT, PODBT
from tests.support.dental import AS_OF, PROJECT, load
from tests.support.postgres import PASSWORD, server

RUNNABLE: Final = ("model", "seed", "snapshot", "test", "unit_test")


@dataclass(frozen=True)
class Change:
    """One pull request: a text of a file that becomes another."""

    what: str
    file: str = ""
    old: str = ""
    new: str = ""

    def make(self, project: Path) -> None:
        if not self.file:
            return
        path = project / self.file
        text = path.read_text()
        if self.old not in text:
            raise SystemExit(f"{self.file} has no '{self.old}' any more: mend CHANGES.")
        path.write_text(text.replace(self.old, self.new, 1))


CHANGES: Final = (
    Change("nothing"),
    Change("a mart that nobody reads", "models/marts/reporting/mart_practice_kpis.sql",
           "select\n    ledger.month_start,", "select\n    -- by month\n    ledger.month_start,"),
    Change("a macro of four models", "macros/ageing.sql", "{{ age_days }} <= 30 then", "{{ age_days }} < 31 then"),
    Change("a seed", "seeds/genders.csv", "3,Other", "3,Another"),
    Change("an incremental model", "models/marts/communications/fct_communications.sql", "select", "select  -- all"),
    Change("a staging model", "models/staging/opendental/stg_opendental__providers.sql", "select", "select  -- all"),
    Change("a variable", "dbt_project.yml", "incremental_lookback_days: 3", "incremental_lookback_days: 4"),
)  # fmt: skip


class Bench:
    """A database with production in it, and checkouts beside it."""

    def __init__(self, place: Path, port: int) -> None:
        self.place = place
        self.env = os.environ | {
            "WAREHOUSE_HOST": "127.0.0.1", "WAREHOUSE_PORT": str(port), "WAREHOUSE_DATABASE": "warehouse",
            "WAREHOUSE_USER": "dbt", "WAREHOUSE_PASSWORD": PASSWORD, "WAREHOUSE_SSLMODE": "disable",
            "DBT_ENGINE_SEND_ANONYMOUS_USAGE_STATS": "false", "PODBT_ARTIFACTS": str(place / "artifacts"),
        }  # fmt: skip
        (place / "artifacts").mkdir()

    def checkout(self, change: Change) -> Path:
        """A fresh copy of the project with the change in it."""
        project = self.place / "project"
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs", "__pycache__"))
        change.make(project)
        return project

    def run(self, project: Path, *words: str) -> tuple[float, str]:
        """Seconds and output of one podbt, which bakes nothing, as in an image of its own."""
        baked = self.place / "baked"
        shutil.rmtree(baked, ignore_errors=True)
        shutil.rmtree(self.place / "scratch", ignore_errors=True)
        self._do(PODBT, "plan", "--project-dir", str(project), "--output", str(baked), env=self.env)
        own = {
            "PODBT_PROJECT_DIR": str(project),
            "PODBT_BAKED": str(baked),
            "PODBT_SCRATCH": str(self.place / "scratch"),
        }
        began = time.perf_counter()
        said = self._do(PODBT, *words, env=self.env | own)
        return time.perf_counter() - began, said

    def full(self, target: str) -> float:
        return self.run(self.checkout(CHANGES[0]), "run", "--", "build", "--target", target)[0]

    def dbts_answer(self, project: Path, state: Path) -> int:
        """How many nodes dbt alone would build."""
        folders = ["--project-dir", str(project), "--profiles-dir", str(project), "--target", "prod"]
        scratch = ["--target-path", str(self.place / "ls"), "--log-path", str(self.place / "ls")]
        keys = ["--quiet", "--output", "json", "--output-keys", "resource_type"]
        selecting = ["--select", "state:modified+", "--state", str(state)]
        said = self._do(DBT, "ls", *folders, *scratch, *keys, *selecting, env=self.env)
        types = [json.loads(line)["resource_type"] for line in said.splitlines() if line.startswith("{")]
        return sum(one in RUNNABLE for one in types)

    def state(self) -> Path:
        """A folder with production's manifest, out of the artifact store."""
        (found,) = self.place.glob("artifacts/manifests/*.json")
        folder = self.place / "state"
        folder.mkdir()
        shutil.copy(found, folder / "manifest.json")
        return folder

    def _do(self, program: str, *words: str, env: dict[str, str]) -> str:
        ended = subprocess.run(
            [sys.executable, "-c", program, *words], env=env, capture_output=True, text=True, check=False
        )
        if ended.returncode:
            raise SystemExit(
                f"{words[0]} ended with {ended.returncode}:\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
            )
        return ended.stdout + ended.stderr


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=60, help="size of the data (default: %(default)s)")
    options = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as folder, server() as postgres:
        bench = Bench(Path(folder), postgres.port)
        load(postgres, "--patients", str(options.patients), "--as-of", AS_OF.isoformat())
        full = [bench.full("prod")]
        print(f"a full build: {full[0]:.0f} s\n", flush=True)
        state = bench.state()
        rows = []
        for change in CHANGES:
            project = bench.checkout(change)
            alone = bench.dbts_answer(project, state)
            seconds, said = bench.run(project, "ci", "--pr", "1", "--target", "review", "--state", "prod")
            built = re.search(r"passed: (\d+) done", said)
            rows.append((change.what, int(built[1]) if built else 0, alone, seconds))
            print(*rows[-1], sep="  ", flush=True)
        full.append(bench.full("demo"))
    whole = statistics.mean(full)
    print(f"\nfull builds: {', '.join(f'{one:.0f} s' for one in full)}; load {os.getloadavg()[0]:.1f}\n")
    print(
        "| the pull request changes | built | dbt alone | seconds | of a full build |\n"
        "| --- | ---: | ---: | ---: | ---: |"
    )
    for what, nodes, alone, seconds in rows:
        print(f"| {what} | {nodes} | {alone} | {seconds:.0f} | {seconds / whole:.0%} |")


if __name__ == "__main__":
    main()
