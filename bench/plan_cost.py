"""What the image of a large project costs: `podbt plan` beside `dbt parse`, and a pod's way to its first node.

    make bench-plan
    .venv/bin/python -m bench.plan_cost [--rounds 3] [--nodes 4922]

The project is bench/large.py's; its profiles.yml lies outside it, and the image is built for target prod. The two take
turns, and so do a pod that takes the image's parse and one that parses in full. Processor seconds are of the whole
process; the way to the first node is wall time, from the process' start to dbt's first NodeStart.
"""

import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.large import NODES, SELECTORS, write_large
from bench.runner_overhead import DBT, PARTS, PODBT, measured, profile
from tests.support.postgres import server

FIRST = "code_list_00"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each (default: 3)")
    parser.add_argument("--nodes", type=int, default=NODES, help=f"size of the project (default: {NODES})")
    options = parser.parse_args(arguments)
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as folder, server() as postgres:
        place = Path(folder)
        write_large(place / "project", nodes=options.nodes)
        profile(place / "profiles", postgres.port)
        parsing(place, options.rounds, options.nodes)
        starting(place, options.rounds)


def parsing(place: Path, rounds: int, nodes: int) -> None:
    """Processor seconds of `dbt parse` and of `podbt plan`."""
    parse, plan = [], []
    for _ in range(rounds):
        shutil.rmtree(place / "target", ignore_errors=True)
        flags = ["--profiles-dir", str(place / "profiles"), "--target-path", str(place / "target")]
        flags += ["--log-path", str(place / "logs"), "--project-dir", str(place / "project")]
        parse.append(processor_seconds(DBT, ["parse", *flags]))
        shutil.rmtree(place / "baked", ignore_errors=True)
        words = ["plan", "--project-dir", str(place / "project"), "--output", str(place / "baked"), "--target", "prod"]
        plan.append(processor_seconds(PODBT, words))
    row("dbt parse", parse, "processor s")
    row("podbt plan", plan, "processor s")
    print(f"ratio {statistics.median(plan) / statistics.median(parse):.2f}", flush=True)
    size = (place / "baked/plan.json").stat().st_size
    print(
        f"plan.json of {nodes} nodes and {SELECTORS} selectors: {size} bytes, {size / nodes:.0f} a node\n", flush=True
    )


def starting(place: Path, rounds: int) -> None:
    """Seconds to the first node, with the image's parse and without."""
    took: dict[str, list[float]] = {"full parse": [], "the image's parse": []}
    for _ in range(rounds):
        for name, seen in took.items():
            seen.append(to_first_node(place, baked=name != "full parse"))
    for name, seen in took.items():
        row(name, seen, "s to the first node")
    full, fast = (statistics.median(seen) for seen in took.values())
    print(f"ratio {fast / full:.2f}", flush=True)


def to_first_node(place: Path, *, baked: bool) -> float:
    scratch = place / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)  # a pod begins with nothing
    (place / "artifacts").mkdir(exist_ok=True)
    env = os.environ | {
        "DBT_ENGINE_LOG_FORMAT_FILE": "json", "DBT_ENGINE_LOG_LEVEL_FILE": "debug",
        "DBT_ENGINE_PROFILES_DIR": str(place / "profiles"), "PODBT_PROJECT_DIR": str(place / "project"),
        "PODBT_SCRATCH": str(scratch), "PODBT_ARTIFACTS": str(place / "artifacts"),
        **({"PODBT_BAKED": str(place / "baked")} if baked else {}),
    }  # fmt: skip
    run = measured(PODBT, ["run", "--", "seed", "--select", FIRST], env, scratch / "podbt/logs/dbt.log")
    return sum(run.parts[part] for part in PARTS)


def processor_seconds(program: str, words: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program, *words], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def row(name: str, seen: Sequence[float], unit: str) -> None:
    print(f"{name}: {statistics.median(seen):.1f} {unit} ({', '.join(f'{one:.1f}' for one in seen)})", flush=True)


if __name__ == "__main__":
    main()
