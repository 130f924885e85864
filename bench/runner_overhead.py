"""What the runner adds to plain `dbt build`: medians of pairs that run in turn, in one environment.

    .venv/bin/python bench/runner_overhead.py PROJECT BAKED [--pairs 10] [-- build --select …]

PROJECT is a dbt project whose profile's connection comes from the environment, BAKED the folder that `podbt plan`
wrote. The runner takes the baked parse in its first run; dbt alone takes what it wrote in its own first run.
Wall and processor seconds are printed: on a busy machine only the second says something.
"""

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DBT = "import sys; from dbt.cli.main import cli; sys.argv[0] = 'dbt'; cli()"
PODBT = "from podbt.cli import main; raise SystemExit(main())"


def measured(program: str, arguments: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Wall and processor seconds of one process."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program, *arguments], env=env, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return time.perf_counter() - began, used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("baked", type=Path)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("dbt", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    options.dbt = options.dbt[options.dbt[:1] == ["--"] :] or ["build"]
    with tempfile.TemporaryDirectory() as place:
        project, scratch = options.project.resolve(), Path(place)
        (scratch / "artifacts").mkdir()
        plain = os.environ | {
            "DBT_ENGINE_PROJECT_DIR": str(project), "DBT_ENGINE_PROFILES_DIR": str(project),
            "DBT_ENGINE_TARGET_PATH": str(scratch / "dbt"), "DBT_ENGINE_LOG_PATH": str(scratch / "dbt"),
            "DBT_ENGINE_SEND_ANONYMOUS_USAGE_STATS": "false",
        }  # fmt: skip
        runner = os.environ | {
            "PODBT_PROJECT_DIR": str(project), "PODBT_BAKED": str(options.baked.resolve()),
            "PODBT_SCRATCH": str(scratch), "PODBT_ARTIFACTS": str(scratch / "artifacts"),
        }  # fmt: skip
        measured(DBT, options.dbt, plain)
        measured(PODBT, ["run", "--", *options.dbt], runner)
        pairs = [
            (measured(DBT, options.dbt, plain), measured(PODBT, ["run", "--", *options.dbt], runner))
            for _ in range(options.pairs)
        ]
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {len(pairs)} pairs")
    for index, kind in enumerate(("wall", "processor")):
        dbt, podbt = ([pair[side][index] for pair in pairs] for side in (0, 1))
        added = statistics.median(b - a for a, b in zip(dbt, podbt, strict=True))
        medians = f"dbt {statistics.median(dbt):.2f} s, podbt {statistics.median(podbt):.2f} s"
        print(f"{kind}: {medians}, added {added:+.2f} s (median of the pairs' differences)")


if __name__ == "__main__":
    main()
