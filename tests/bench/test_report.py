"""The tables say what was measured, and no more."""

import json
from pathlib import Path

from bench.harness.load import Verdict
from bench.harness.report import Results
from bench.harness.runs import Measured


def one(peer: str, wall: float, *, state: str = "success", **more: object) -> Measured:
    return Measured(peer=peer, state=state, wall=wall, load_average=1.0, **more)  # type: ignore[arg-type]


def row(text: str, start: str) -> list[str]:
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_ratios_are_of_medians_of_complete_runs() -> None:
    results = Results(machine={"cores": 2}, selections={"dental": "tag:core"})
    for wall in (9.0, 10.0, 30.0):
        results.keep("dental", one("bare", wall))
    for wall in (11.0, 12.0, 13.0):
        results.keep("dental", one("podbt", wall, cpu=3.0, idle_cpu=1.0, processes=0))
    results.keep("dental", one("podbt", 1.0, state="failed", tasks=1, tasks_ended=1))
    text = results.markdown()
    assert "## dental (`--select tag:core`)" in text
    assert row(text, "bare")[1:5] == ["3", "10.0", "1.00", "-"]
    ours = row(text, "**DbtOperator**")
    assert ours[0] == "**DbtOperator** (failed after 1 s at 1 of 1 tasks)"
    assert ours[1:] == ["3", "12.0", "1.20", "2.0", "2.0", "0", "-", "-"]


def test_a_run_that_was_stopped_is_told_as_that_and_has_no_figures() -> None:
    results = Results(machine={}, selections={})
    results.keep("synth", one("bare", 10.0))
    results.keep("synth", one("cosmos_kubernetes", 600.0, state="stopped", cpu=400.0, tasks=150, tasks_ended=90))
    cells = row(results.markdown(), "Cosmos KUBERNETES")
    assert cells[0] == "Cosmos KUBERNETES (stopped after 600 s at 90 of 150 tasks)"
    assert cells[1:4] == ["0", "-", "-"]


def test_latencies_are_told_over_all_runs() -> None:
    results = Results(machine={}, selections={})
    results.keep("synth", one("cosmos_watcher", 10.0, latencies=[1.0, 2.0]))
    results.keep("synth", one("cosmos_watcher", 10.0, latencies=[3.0, 9.0]))
    assert row(results.markdown(), "Cosmos WATCHER_KUBERNETES")[-1] == "2.0 / 9.0"


def test_rounds_of_the_load_are_summed_up() -> None:
    results = Results(machine={}, selections={})
    for wrong in (3, 1):
        results.judge(
            Verdict(
                dag_id="steps_kpo_worker",
                scenario="stop",
                wall=1.0,
                stopped=8,
                success=40,
                failed=0,
                false_success=wrong,
                false_failure=0,
            )
        )
    assert row(results.markdown(), "stop")[2:] == ["2", "80", "16", "80", "0", "4", "0"]


def test_every_measurement_is_in_the_json(tmp_path: Path) -> None:
    results = Results(machine={"cores": 2}, selections={})
    results.keep("synth", one("podbt", 12.5, latencies=[0.5]))
    results.write(tmp_path / "new", "latest")
    data = json.loads((tmp_path / "new" / "latest.json").read_text())
    assert [(item["scenario"], item["wall"], item["latencies"]) for item in data["measured"]] == [
        ("synth", 12.5, [0.5])
    ]
