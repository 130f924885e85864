"""Parsing a DAG file and building its DAG, ours beside Astronomer Cosmos': `python bench/parse.py`.

Both make a task of each model out of one made-up project with two tests a model. Cosmos, in its KUBERNETES mode, reads
dbt's manifest; DbtModelGroup reads podbt's plan, and so does one DbtOperator step, which is what a DAG of that size
should rather hold. The manifest has only what Cosmos reads, which is kind to it: a real one is ten times larger.

Each measurement is a fresh process that has imported Airflow and the provider already, as the dag-processor has; what
counts is from reading the DAG file to the built DAG, with the file's own imports. The peers take turns.

With --beside, another checkout of podbt after its `make venv`, each of our peers is measured there, too, in turn with
ours, on a plan that it wrote itself; the last column is then this build's time over that one's, the median of the
pairs. Processor time says something on a busy machine, wall time does not.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

_HEAD: Final = "from datetime import datetime\nfrom airflow.sdk import DAG\n"
_DAG: Final = "DAG('d', schedule=None, start_date=datetime(2026, 1, 1))"
_PEERS: Final = {
    "DbtOperator": f"""{_HEAD}from podbt.airflow import DbtOperator
with {_DAG} as dag:
    DbtOperator(task_id="build")
""",
    "DbtModelGroup": f"""{_HEAD}from podbt.airflow import DbtModelGroup
with {_DAG} as dag:
    DbtModelGroup("dbt", plan=FOLDER + "/plan.json", max_tasks=100_000)
""",
    "Cosmos KUBERNETES": """from datetime import datetime
from airflow.sdk import DAG
from cosmos import DbtDag, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, LoadMode
dag = DbtDag(
    dag_id="d", schedule=None, start_date=datetime(2026, 1, 1),
    project_config=ProjectConfig(manifest_path=FOLDER + "/manifest.json", project_name="synth"),
    profile_config=ProfileConfig(profile_name="synth", target_name="prod", profiles_yml_filepath="/profiles.yml"),
    execution_config=ExecutionConfig(execution_mode=ExecutionMode.KUBERNETES, dbt_project_path="/project"),
    render_config=RenderConfig(load_method=LoadMode.DBT_MANIFEST),
    operator_args={"image": "dbt:1", "namespace": "dbt"},
)
""",
}
_MEASURE: Final = """
import logging, sys, time
import airflow.sdk, airflow.providers.cncf.kubernetes.operators.pod
logging.disable(logging.CRITICAL)
file, folder = sys.argv[1:]
began, cpu = time.perf_counter(), time.process_time()
space = {"__name__": "dag_file", "FOLDER": folder}
exec(compile(open(file).read(), file, "exec"), space)
took = time.perf_counter() - began, time.process_time() - cpu
print("MEASURED", *took, len(space["dag"].tasks))
"""


_WRITE: Final = "import sys, pathlib, bench.parse as p; p.write_project(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, nargs="+", default=[100, 500, 2000], help="sizes (default: 100 500 2000)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each peer and size (default: 5)")
    parser.add_argument("--beside", type=Path, metavar="FOLDER", help="another checkout, to compare this one with")
    options = parser.parse_args(arguments)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, load {load}\n", flush=True)
    print("| models | peer | tasks | CPU s, median | wall s, median | CPU over Cosmos | CPU over the other build |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        for models in options.models:
            folder = Path(scratch) / str(models)
            write_project(folder, models)
            _compare(folder, models, options.rounds, options.beside)
    return 0


def _compare(folder: Path, models: int, rounds: int, beside: Path | None) -> None:
    python = str(beside / ".venv/bin/python") if beside else ""
    if beside:
        subprocess.run([python, "-c", _WRITE, str(folder / "beside"), str(models)], cwd=beside, check=True)
    seen: dict[str, list[_Measured]] = {name: [] for name in _PEERS}
    other: dict[str, list[_Measured]] = {name: [] for name in _PEERS}
    for _ in range(rounds):
        for name, text in _PEERS.items():
            seen[name].append(_measure(folder, text))
            if beside and not name.startswith("Cosmos"):
                other[name].append(_measure(folder / "beside", text, python))
    cosmos = statistics.median(cpu for _, cpu, _ in seen["Cosmos KUBERNETES"])
    for name, measured in seen.items():
        wall, cpu = (statistics.median(one[part] for one in measured) for part in (0, 1))
        pairs = [ours[1] / theirs[1] for ours, theirs in zip(measured, other[name], strict=False)]
        than = f"{statistics.median(pairs):.2f}" if pairs else "-"
        print(
            f"| {models} | {name} | {measured[0][2]} | {cpu:.2f} | {wall:.2f} | {cpu / cosmos:.2f} | {than} |",
            flush=True,
        )


_Measured: TypeAlias = tuple[float, float, int]
"""Seconds of wall and CPU time, and the number of tasks."""


def _measure(folder: Path, text: str, python: str = sys.executable) -> _Measured:
    file = folder / "dag.py"
    file.write_text(text)
    home = folder / "airflow"
    home.mkdir(exist_ok=True)
    env = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__COSMOS__ENABLE_CACHE": "False",  # a cache would be a second, warmer measurement
        "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
    }
    command = [python, "-c", _MEASURE, str(file), str(folder)]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    found = [line.split() for line in ended.stdout.splitlines() if line.startswith("MEASURED")]
    if ended.returncode or not found:
        raise RuntimeError(f"The measurement failed: {ended.stderr[-2000:]}")
    _, wall, cpu, tasks = found[0]
    return float(wall), float(cpu), int(tasks)


def write_project(folder: Path, models: int) -> None:
    """Writes manifest.json and plan.json of a project: a third staging, a third upon that, a third upon that."""
    from podbt.contract.plan import Plan, PlanNode  # noqa: PLC0415 - the option --help needs nothing

    folder.mkdir(parents=True)
    layer = max(models // 3, 1)
    nodes: dict[str, dict[str, Any]] = {}
    for number in range(models):
        parents = [f"m{number - layer}", f"m{number - layer // 2 - 1}"] if number >= layer else []
        _add(nodes, "model", f"m{number}", [f"model.synth.{parent}" for parent in parents])
        for test in ("unique", "not_null"):
            _add(nodes, "test", f"{test}_m{number}_id", [f"model.synth.m{number}"])
    manifest = {
        "metadata": {"project_name": "synth", "adapter_type": "postgres"},
        "nodes": nodes,
        "sources": {},
        "exposures": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    plan = Plan.seal(
        project="synth",
        dbt_version="1.11.0",
        nodes={
            unique_id: PlanNode(
                name=node["name"],
                resource_type=node["resource_type"],
                path=node["original_file_path"],
                materialized="table" if node["resource_type"] == "model" else None,
                depends_on=node["depends_on"]["nodes"],
            )
            for unique_id, node in nodes.items()
        },
        sources={},
        selectors={},
    )
    (folder / "plan.json").write_text(plan.to_json())


def _add(nodes: dict[str, dict[str, Any]], kind: str, name: str, parents: list[str]) -> None:
    nodes[f"{kind}.synth.{name}"] = {
        "unique_id": f"{kind}.synth.{name}",
        "name": name,
        "resource_type": kind,
        "package_name": "synth",
        "original_file_path": f"models/{name}.sql",
        "fqn": ["synth", name],
        "tags": [],
        "config": {"materialized": "table", "tags": [], "meta": {}},
        "depends_on": {"nodes": parents},
    }


if __name__ == "__main__":
    raise SystemExit(main())
