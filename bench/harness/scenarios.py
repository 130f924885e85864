"""What is compared: peers on a project, many steps at once, and steps that are disturbed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bench.harness import latency, load
from bench.harness.load import Verdict
from bench.harness.runs import Bench, Measured, bare, bare_step, dag_run
from bench.peers.light import selection

from podbt.contract.plan import Plan

FAST: Final = ("bare", "kpo", "podbt", "podbt_group")
SLOW: Final = ("cosmos_watcher", "cosmos_kubernetes")
FAN_OUT: Final = ("steps_kpo", "steps_podbt")
LOAD: Final = {
    "stop": ("steps_kpo_worker", "steps_kpo", "steps_podbt_worker", "steps_podbt"),
    "quick": ("steps_kpo", "steps_podbt"),
}
_STEP_WORK: Final = {"work": "sleep:2"}
ONE_STEP: Final = {"kpo": "step_kpo", "podbt": "step_podbt"}


@dataclass(frozen=True, kw_only=True)
class Project:
    """A dbt project that the peers run."""

    name: str
    image: str
    tag: str
    plan: Plan
    rounds: dict[str, int]
    """How often each peer runs."""


def projects(bench: Bench, chosen: list[Project], *, limit: float, keep: Callable[[str, Measured], None]) -> None:
    """Runs each project's peers, one after the other within a round, so that a busy machine is busy for all."""
    for project in chosen:
        bare(bench, project.image, selection(project.tag))  # the first of all fills caches and makes the schemas
        for number in range(max(project.rounds.values(), default=0)):
            for peer, rounds in project.rounds.items():
                if number < rounds:
                    keep(project.name, _one(bench, project, peer, limit))


def _one(bench: Bench, project: Project, peer: str, limit: float) -> Measured:
    if peer == "bare":
        return bare(bench, project.image, selection(project.tag))
    run, measured = dag_run(bench, peer, f"{project.name}_{peer}", limit=limit)
    if peer == "podbt_group":
        measured.latencies.extend(latency.of_group(bench.airflow, run, project.plan, project.tag))
    if peer == "cosmos_watcher":
        measured.latencies.extend(latency.of_watcher(bench.airflow, run, bench.pods))
    return measured


def one_step(bench: Bench, image: str, *, rounds: int, keep: Callable[[str, Measured], None]) -> None:
    """One step that does next to nothing: what an operator adds, without dbt's and the database's own ups and downs."""
    for _ in range(rounds):
        keep("one step", bare_step(bench, image, _STEP_WORK["work"]))
        for peer, dag_id in ONE_STEP.items():
            keep("one step", dag_run(bench, peer, dag_id, conf=_STEP_WORK)[1])


def fan_out(bench: Bench, *, rounds: int, keep: Callable[[str, Measured], None]) -> None:
    """Forty steps at once that do next to nothing themselves."""
    for _ in range(rounds):
        for dag_id in FAN_OUT:
            _, measured = dag_run(bench, dag_id, dag_id, conf=_STEP_WORK, limit=900)
            keep("steps", measured)


def disturbed(bench: Bench, *, rounds: int, keep: Callable[[Verdict], None]) -> None:
    """Forty steps at once, stopped or very short, judged by what their pods did."""
    for _ in range(rounds):
        for scenario, dag_ids in LOAD.items():
            for dag_id in dag_ids:
                keep(load.one_round(bench, dag_id, scenario))
