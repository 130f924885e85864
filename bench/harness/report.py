"""Results as JSON, every single measurement in it, and as Markdown tables of medians."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.harness.figures import middle, percentile, ratio, written
from bench.harness.kube import kubectl
from bench.harness.load import Verdict, table
from bench.harness.runs import Measured

NAMES: Final = {
    "bare": "bare pod",
    "kpo": "KubernetesPodOperator, deferrable",
    "podbt": "**DbtOperator**",
    "podbt_group": "**DbtModelGroup**",
    "cosmos_watcher": "Cosmos WATCHER_KUBERNETES",
    "cosmos_kubernetes": "Cosmos KUBERNETES",
    "steps_kpo": "KubernetesPodOperator, deferrable",
    "steps_kpo_worker": "KubernetesPodOperator on workers",
    "steps_podbt": "**DbtOperator**",
    "steps_podbt_worker": "**DbtOperator**, deferrable=False",
}
_KIB: Final = 1024
_PACKAGES: Final = ("apache-airflow", "apache-airflow-providers-cncf-kubernetes", "astronomer-cosmos", "podbt")
_VERSIONS: Final = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]))"


@dataclass
class Results:
    """All that one call of the benchmark measured."""

    machine: dict[str, Any]
    selections: dict[str, str]
    idle_cpu_per_second: float = 0.0
    measured: list[tuple[str, Measured]] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    def keep(self, scenario: str, one: Measured) -> None:
        print(f"  {scenario:<8} {one.peer:<18} {one.state:<8} {one.wall:7.1f} s  load {one.load_average}", flush=True)
        self.measured.append((scenario, one))

    def judge(self, one: Verdict) -> None:
        wrong = f"{one.false_success} false success, {one.false_failure} false failure"
        print(f"  {one.scenario:<8} {one.dag_id:<18} {one.wall:7.1f} s  stopped {one.stopped}, {wrong}", flush=True)
        for line in one.wrong:
            print(f"           {line}", flush=True)
        self.verdicts.append(one)

    def write(self, folder: Path, name: str) -> Path:
        """Writes <name>.json and <name>.md; returns the latter's path."""
        folder.mkdir(parents=True, exist_ok=True)
        data = {
            "machine": self.machine,
            "selections": self.selections,
            "idle_cpu_per_second": round(self.idle_cpu_per_second, 3),
            "measured": [{"scenario": scenario, **asdict(one)} for scenario, one in self.measured],
            "verdicts": [asdict(one) for one in self.verdicts],
        }
        (folder / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        path = folder / f"{name}.md"
        path.write_text(self.markdown(), encoding="utf-8")
        return path

    def markdown(self) -> str:
        loads = [one.load_average for _, one in self.measured]
        lines = ["# Results", "", ", ".join(f"{key} {value}" for key, value in self.machine.items()) + "."]
        if loads:
            lines.append(f"Load average during the runs: {min(loads)} to {max(loads)}.")
        lines.append(
            f"Airflow with nothing to do: {self.idle_cpu_per_second:.2f} CPU seconds a second, taken off below."
        )
        for scenario in dict.fromkeys(scenario for scenario, _ in self.measured):
            of_it = [one for name, one in self.measured if name == scenario]
            lines += ["", *(_steps(of_it) if scenario == "steps" else _project(self._title(scenario), of_it))]
        if self.verdicts:
            lines += ["", *_load(self.verdicts)]
        return "\n".join(lines) + "\n"

    def _title(self, scenario: str) -> str:
        select = self.selections.get(scenario)
        return f"{scenario} (`--select {select}`)" if select else scenario


def machine() -> dict[str, Any]:
    """What the figures were measured on, and with which versions: those inside the image that ran."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _KIB**3
    words = ("deploy/podbt-scheduler", "-c", "scheduler", "--", "python", "-c", _VERSIONS, *_PACKAGES)
    versions = dict(zip(_PACKAGES, kubectl("exec", *words).split(), strict=True))
    return {"cores": os.cpu_count(), "GiB": round(memory), **versions, "on": datetime.now(UTC).strftime("%Y-%m-%d")}


def _project(title: str, measured: Sequence[Measured]) -> list[str]:
    by_peer = _grouped(measured)
    base = middle([one.wall for one in by_peer.get("bare", []) if one.complete])
    header = (
        "",
        "n",
        "wall s",
        "ratio",
        "s over bare",
        "Airflow CPU s",
        "task processes",
        "slots held while the pod runs",
        "model to task p50 / p95 s",
    )
    rows = []
    for peer, runs in by_peer.items():
        whole = [one for one in runs if one.complete]
        wall = middle([one.wall for one in whole])
        seen = [seconds for one in whole for seconds in one.latencies]
        rows.append(
            (
                NAMES[peer] + _unfinished(runs),
                str(len(whole)),
                written(wall),
                written(ratio(wall, base), 2),
                "-" if peer == "bare" or wall is None or base is None else written(wall - base),
                written(_net_cpu(whole)),
                written(_middle_of(whole, "processes"), 0),
                written(_middle_of(whole, "slots_while_waiting"), 0),
                f"{written(percentile(seen, 50))} / {written(percentile(seen, 95))}" if seen else "-",
            )
        )
    return [f"## {title}", "", *_markdown(header, rows)]


def _unfinished(runs: Iterable[Measured]) -> str:
    told = [
        f"{one.state} after {one.wall:.0f} s at {one.tasks_ended} of {one.tasks} tasks"
        for one in runs
        if not one.complete
    ]
    return f" ({'; '.join(told)})" if told else ""


def _steps(measured: Sequence[Measured]) -> list[str]:
    header = (
        "",
        "n",
        "wall s",
        "Airflow CPU s",
        "peak memory MiB",
        "task processes",
        "slot-seconds",
    )
    rows = []
    for peer, runs in _grouped(measured).items():
        whole = [one for one in runs if one.complete]
        rows.append(
            (
                NAMES[peer] + _unfinished(runs),
                str(len(whole)),
                written(middle([one.wall for one in whole])),
                written(_net_cpu(whole)),
                written(_middle_of(whole, "peak_memory"), 0),
                written(_middle_of(whole, "processes"), 0),
                written(_middle_of(whole, "slot_seconds"), 0),
            )
        )
    return ["## Forty steps at once", "", *_markdown(header, rows)]


def _middle_of(runs: Iterable[Measured], name: str) -> float | None:
    return middle([value for one in runs if (value := getattr(one, name)) is not None])


def _net_cpu(runs: Iterable[Measured]) -> float | None:
    return middle([max(0.0, one.cpu - (one.idle_cpu or 0.0)) for one in runs if one.cpu is not None])


def _load(verdicts: list[Verdict]) -> list[str]:
    header = (
        "scenario",
        "",
        "rounds",
        "steps",
        "processes stopped",
        "success",
        "failed",
        "false success",
        "false failure",
    )
    keys = ("rounds", "steps", "stopped", "success", "failed", "false_success", "false_failure")
    rows = [(str(row["scenario"]), NAMES[str(row["dag"])], *(str(row[key]) for key in keys)) for row in table(verdicts)]
    return ["## Nothing false under load", "", *_markdown(header, rows)]


def _grouped(measured: Iterable[Measured]) -> Mapping[str, list[Measured]]:
    groups: dict[str, list[Measured]] = {}
    for one in measured:
        groups.setdefault(one.peer, []).append(one)
    return groups


def _markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows)]
