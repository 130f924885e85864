"""What the runner adds to `dbt build`, and where the time to the first node goes: medians of pairs that run in turn.

    make bench-runner
    .venv/bin/python -m bench.runner_overhead [--pairs 10] [--patients 300] [-- build --selector staging_only]
    .venv/bin/python -m bench.runner_overhead --nodes 4922 [--pairs 10] [-- seed --select code_list_00]

dbt_dental_models on a PostgreSQL of its own, target prod, the parse baked as in the image; with --nodes a made-up
project of that size (bench/large.py) instead. The runner takes the baked parse in each run, as a pod does; dbt alone
takes what it wrote in its own first run. Wall and processor seconds and the peak of resident memory are printed: on a
busy machine the wall says nothing. The parts are wall seconds, taken from the times in dbt's own log.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import yaml
from bench.large import write_large
from tests.support.dental import AS_OF, PROJECT, load
from tests.support.postgres import PASSWORD, server

DBT = "import sys; from dbt.cli.main import cli; sys.argv[0] = 'dbt'; cli()"
PODBT = "from podbt.cli import main; raise SystemExit(main())"


# What dbt's log tells at the end of each part; the first begins with the process, the last ends with it.
PARTS = {
    "interpreter, imports, what comes before dbt": "MainReportVersion",
    "profile, parse, graph": "FoundStats",
    "selection": "ConcurrencyLine",
    "schemas, cache of relations, hooks on-run-start": "NodeStart",
}
NODES, END = "nodes", "results, artifacts, end of the process"


@dataclass(frozen=True)
class Measured:
    """One process: seconds, and MiB of its largest resident set."""

    wall: float
    processor: float
    peak: float
    parts: dict[str, float]


def measured(program: str, arguments: list[str], env: dict[str, str], log: Path) -> Measured:
    log.unlink(missing_ok=True)
    at, began = time.time(), time.perf_counter()
    child = subprocess.Popen([sys.executable, "-c", program, *arguments], env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)  # of this process alone, its peak of memory included
    wall, child.returncode = time.perf_counter() - began, os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, arguments)
    return Measured(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, parts_of(log, at, at + wall))


def parts_of(log: Path, began: float, ended: float) -> dict[str, float]:
    """Seconds of each part, by the first of each event and the last node's end in dbt's log (a line of JSON each)."""
    first: dict[str, float] = {}
    last = began
    for line in log.read_text().splitlines():
        info = json.loads(line)["info"]
        when = datetime.fromisoformat(info["ts"]).timestamp()
        first.setdefault(info["name"], when)
        if info["name"] == "NodeFinished":
            last = when
    parts, before = {}, began
    for part, event in PARTS.items():
        parts[part], before = first[event] - before, first[event]
    return {**parts, NODES: last - before, END: ended - last}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--patients", type=int, default=300)
    parser.add_argument("--nodes", type=int, help="size of a made-up project, in place of dbt_dental_models")
    parser.add_argument("dbt", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    usual = ["seed", "--select", "code_list_00"] if options.nodes else ["build", "--selector", "staging_only"]
    options.dbt = options.dbt[options.dbt[:1] == ["--"] :] or usual
    with tempfile.TemporaryDirectory() as place, server() as postgres:
        scratch = Path(place)
        os.environ |= {
            "WAREHOUSE_HOST": "127.0.0.1", "WAREHOUSE_PORT": str(postgres.port), "WAREHOUSE_DATABASE": "warehouse",
            "WAREHOUSE_USER": "dbt", "WAREHOUSE_PASSWORD": PASSWORD, "WAREHOUSE_SSLMODE": "disable",
        }  # fmt: skip
        if options.nodes:
            project, profiles = scratch / "project", scratch / "profiles"
            write_large(project, nodes=options.nodes)
            profile(profiles, postgres.port)
            os.environ["DBT_ENGINE_PROFILES_DIR"] = str(profiles)
        else:
            project = profiles = PROJECT
            load(postgres, "--patients", str(options.patients), "--as-of", AS_OF.isoformat())
        words = ["plan", "--project-dir", str(project), "--output", str(scratch / "baked"), "--target", "prod"]
        subprocess.run([sys.executable, "-c", PODBT, *words], check=True)
        pairs = compared([*options.dbt, "--target", "prod"], scratch, options.pairs, project=project, profiles=profiles)
    report(pairs)


def profile(folder: Path, port: int) -> None:
    """Writes the profiles.yml of bench/large.py's project, which lies outside it."""
    folder.mkdir()
    connection = {"type": "postgres", "host": "127.0.0.1", "port": port, "user": "dbt", "password": PASSWORD}
    outputs = {"prod": {**connection, "dbname": "warehouse", "schema": "large", "threads": 4}}
    (folder / "profiles.yml").write_text(yaml.safe_dump({"large": {"target": "prod", "outputs": outputs}}))


def compared(
    dbt: list[str], scratch: Path, pairs: int, *, project: Path, profiles: Path
) -> list[tuple[Measured, Measured]]:
    (scratch / "artifacts").mkdir()
    shared = os.environ | {"DBT_ENGINE_LOG_FORMAT_FILE": "json", "DBT_ENGINE_LOG_LEVEL_FILE": "debug"}
    plain = shared | {
        "DBT_ENGINE_PROJECT_DIR": str(project), "DBT_ENGINE_PROFILES_DIR": str(profiles),
        "DBT_ENGINE_TARGET_PATH": str(scratch / "dbt"), "DBT_ENGINE_LOG_PATH": str(scratch / "dbt"),
        "DBT_ENGINE_SEND_ANONYMOUS_USAGE_STATS": "false",
    }  # fmt: skip
    runner = shared | {
        "PODBT_PROJECT_DIR": str(project), "PODBT_BAKED": str(scratch / "baked"),
        "PODBT_SCRATCH": str(scratch), "PODBT_ARTIFACTS": str(scratch / "artifacts"),
    }  # fmt: skip

    def pair() -> tuple[Measured, Measured]:
        shutil.rmtree(scratch / "podbt", ignore_errors=True)  # a pod begins with nothing
        return (
            measured(DBT, dbt, plain, scratch / "dbt" / "dbt.log"),
            measured(PODBT, ["run", "--", *dbt], runner, scratch / "podbt" / "logs" / "dbt.log"),
        )

    pair()
    return [pair() for _ in range(pairs)]


def report(pairs: list[tuple[Measured, Measured]]) -> None:
    load = os.getloadavg()[0]
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {load:.1f}, {len(pairs)} pairs\n")
    print("| seconds, medians | dbt | podbt | added (median of the pairs' differences) | ratio (median) |")
    print("| --- | ---: | ---: | ---: | ---: |")
    row("wall", [(dbt.wall, podbt.wall) for dbt, podbt in pairs])
    row("processor", [(dbt.processor, podbt.processor) for dbt, podbt in pairs])
    row("peak memory, MiB", [(dbt.peak, podbt.peak) for dbt, podbt in pairs])
    for part in (*PARTS, NODES, END):
        row(part, [(dbt.parts[part], podbt.parts[part]) for dbt, podbt in pairs])
    before_nodes = [tuple(sum(side.parts[part] for part in PARTS) for side in pair) for pair in pairs]
    row("start to first node", [(dbt, podbt) for dbt, podbt in before_nodes])


def row(name: str, pairs: list[tuple[float, float]]) -> None:
    medians = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    added = statistics.median(podbt - dbt for dbt, podbt in pairs)
    ratio = statistics.median(podbt / dbt for dbt, podbt in pairs)
    print(f"| {name} | {' | '.join(f'{median:.2f}' for median in medians)} | {added:+.2f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
