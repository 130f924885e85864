"""`make bench`: measures every way to run dbt from Airflow, side by side, on the cluster that `make up` left."""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

from bench.harness import release, report, scenarios
from bench.harness.airflow import Airflow, connected
from bench.harness.kube import Pods
from bench.harness.meter import Meter
from bench.harness.runs import Bench
from bench.peers.light import selection
from localcluster import daemon
from localcluster.session import Session

_HERE = Path(__file__).resolve().parent
_IDLE_SECONDS = 30.0


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    tags = {"dental": options.dental_tag, "synth": ""}
    session = daemon.required(Session.start())
    os.environ |= session.shell.environ  # kubectl and the cluster's address, for everything below
    with release.alone():
        images = release.prepare(session, tags)
        results = report.Results(
            machine=report.machine(), selections={project: selection(tag) for project, tag in tags.items()}
        )
        print(", ".join(f"{key} {value}" for key, value in results.machine.items()), flush=True)
        try:
            _measure(options, images, tags, results)
        finally:
            print(f"\n{results.markdown()}\n{results.write(_HERE / 'results', options.name)}", flush=True)
    return 0


def _measure(
    options: argparse.Namespace, images: release.Images, tags: dict[str, str], results: report.Results
) -> None:
    with connected() as airflow, Pods() as pods, Meter() as meter:
        _ready(airflow)
        print(f"{airflow.stop_all()} runs of an earlier call stopped", flush=True)
        rate = _idle_rate(meter)
        results.idle_cpu_per_second = rate
        bench = Bench(airflow=airflow, pods=pods, meter=meter, settings=release.settings(), idle_rate=rate)
        if "projects" in options.scenarios:
            chosen = _projects(options, images, tags)
            scenarios.projects(bench, chosen, limit=options.limit, keep=results.keep)
        if "step" in options.scenarios:
            scenarios.one_step(bench, images.step, rounds=options.step_rounds, keep=results.keep)
        if "steps" in options.scenarios:
            scenarios.fan_out(bench, rounds=options.rounds, keep=results.keep)
        if "load" in options.scenarios:
            scenarios.disturbed(bench, rounds=options.load_rounds, keep=results.judge)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    add = parser.add_argument
    every = ["projects", "step", "steps", "load"]
    add("--scenarios", nargs="+", choices=every, default=every, help="what to measure (default: all)")
    add("--projects", nargs="+", choices=["dental", "synth"], default=["dental", "synth"])
    add("--peers", nargs="+", choices=[*scenarios.FAST, *scenarios.SLOW], default=[*scenarios.FAST, *scenarios.SLOW])
    add("--rounds", type=int, default=5, help="runs of each quick peer (default: 5)")
    add("--slow-rounds", type=int, default=1, help="runs of each Cosmos peer (default: 1)")
    add("--step-rounds", type=int, default=10, help="runs of the one short step (default: 10)")
    add("--load-rounds", type=int, default=3, help="rounds of the steps that are disturbed (default: 3)")
    add("--limit", type=float, default=900, help="seconds after which a run is stopped and told as that (default: 900)")
    add("--dental-tag", default="", help="build the nodes of dbt_dental_models with this tag (default: all)")
    add("--name", default="latest", help="file name of the results, without ending (default: latest)")
    return parser


def _projects(options: argparse.Namespace, images: release.Images, tags: dict[str, str]) -> list[scenarios.Project]:
    rounds = {
        peer: options.slow_rounds if peer in scenarios.SLOW else options.rounds
        for peer in [*scenarios.FAST, *scenarios.SLOW]
        if peer in options.peers
    }
    of = {"dental": images.dental, "synth": images.synth}
    return [
        scenarios.Project(name=name, image=of[name], tag=tags[name], plan=release.plan_of(name), rounds=rounds)
        for name in options.projects
    ]


def _ready(airflow: Airflow) -> None:
    """Waits until every DAG was parsed.

    Raises:
        SystemExit: A DAG file cannot be imported.
    """
    for dag_id in sorted(path.stem for path in (_HERE / "dags").glob("*.py")):
        try:
            airflow.unpause(dag_id)
        except TimeoutError as error:
            raise SystemExit(f"{error}: {airflow.import_errors()}") from None


def _idle_rate(meter: Meter) -> float:
    """CPU seconds a second that Airflow takes while nothing runs."""
    first, began = meter.now(), time.monotonic()
    time.sleep(_IDLE_SECONDS)
    last = meter.now()
    return (last.cpu_seconds - first.cpu_seconds) / (time.monotonic() - began)


if __name__ == "__main__":
    raise SystemExit(main())
