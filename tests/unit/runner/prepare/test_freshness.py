"""What stale sources do to a step, without dbt: the graph is a manifest's, the selection is told."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from podbt.contract import layout
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import FreshnessMode, RunStatus
from podbt.contract.record import RunIdentity, RunRecord, to_json
from podbt.errors import ConfigError
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.prepare.freshness import Verdict, freshness_arguments, judge, list_arguments
from podbt.runner.prepare.sources import RECENT, Sources, complete_sources, earlier_step, last_on_target
from podbt.store.volume import Volume

CHILDREN = {
    "source.p.raw.a": ["model.p.a"],
    "source.p.raw.b": ["model.p.b"],
    "model.p.a": ["model.p.ab", "test.p.t"],
    "model.p.b": ["model.p.ab"],
    "model.p.ab": ["exposure.p.page"],
    "test.p.t": [],
    "exposure.p.page": [],
}
KINDS = {"model.p.a": "model", "model.p.b": "model", "model.p.ab": "model", "test.p.t": "test"}
MANIFEST: dict[str, Any] = {
    "nodes": {
        key: {"resource_type": kind, "config": {}, "fqn": ["p", key.rpartition(".")[2]]} for key, kind in KINDS.items()
    },
    "sources": {f"source.p.raw.{name}": {"package_name": "p", "source_name": "raw", "name": name} for name in "ab"},
    "child_map": CHILDREN,
}


def sources(**statuses: str) -> Sources:
    results = [
        {
            "unique_id": f"source.p.raw.{name}",
            "max_loaded_at": "2026-01-01T00:00:00Z",
            "max_loaded_at_time_ago_in_s": 7200,
            "criteria": {"error_after": {"count": 1, "period": "hour"}, "filter": None},
            "status": status,
            "thread_id": "Thread-1",
        }
        for name, status in statuses.items()
    ]
    return Sources.model_validate({"metadata": {"generated_at": "2026-01-01T02:00:00Z"}, "results": results})


def judged(*arguments: str, mode: str = "exclude", selected: set[str] | None = None, **statuses: str) -> Verdict:
    def select() -> set[str]:
        return {*KINDS, "analysis.p.x"} if selected is None else selected

    return judge(
        Arguments.parse(arguments),
        sources(**statuses),
        mode=FreshnessMode(mode),
        manifest=lambda: MANIFEST,
        selected=select,
    )


def test_nothing_is_asked_while_nothing_is_too_old() -> None:
    def unexpected() -> Any:
        raise AssertionError

    arguments, fresh = Arguments.parse(["build"]), sources(a="pass", b="warn")
    verdict = judge(arguments, fresh, mode=FreshnessMode.GATE, manifest=unexpected, selected=unexpected)
    assert verdict.arguments.words == ["build"]
    assert [source.unique_id for source in verdict.stale] == ["source.p.raw.b"]
    assert verdict.refusal is None


def test_descendants_are_left_out_with_their_tests() -> None:
    verdict = judged("build", a="error", b="pass")
    assert verdict.left_out == ["model.p.a", "model.p.ab", "test.p.t"]
    assert verdict.arguments.words == ["build", "--exclude", "source:p.raw.a+"]
    assert "Left out" in list(verdict.lines())[1]


def test_an_exclusion_is_kept() -> None:
    selected = {"model.p.a", "model.p.b"}
    verdict = judged("build", "--exclude", "x", "--target", "t", selected=selected, a="error")
    assert verdict.arguments.words == ["build", "--target", "t", "--exclude", "x", "source:p.raw.a+"]
    assert verdict.left_out == ["model.p.a"]


def test_of_a_selector_what_remains_is_named() -> None:
    verdict = judged("build", "--selector", "s", selected={"model.p.a", "model.p.b", "source.p.raw.a"}, a="error")
    assert verdict.arguments.words == ["build", "--select", "fqn:p.b", "--indirect-selection", "empty"]


def test_a_default_selector_is_a_selection() -> None:
    verdict = judged("build", selected={"model.p.a", "model.p.b"}, a="error")
    assert verdict.left_out == ["model.p.a"]
    assert verdict.arguments.words == ["build", "--select", "fqn:p.b", "--indirect-selection", "empty"]
    # Beside any other selection dbt leaves the default one out.
    verdict = judged("build", "--exclude", "b", selected={"model.p.a", "model.p.ab"}, a="error")
    assert verdict.refusal


def test_what_remains_may_be_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    function = {"resource_type": "function", "config": {}, "fqn": ["p", "f"]}
    monkeypatch.setitem(MANIFEST, "functions", {"function.p.f": function})
    selected = {"model.p.a", "model.p.b", "function.p.f"}
    verdict = judged("build", "--selector", "s", selected=selected, a="error")
    assert verdict.arguments.words == ["build", "--select", "fqn:p.f", "fqn:p.b", "--indirect-selection", "empty"]


def test_a_command_runs_its_own_kinds() -> None:
    assert judged("run", b="pass", a="error").left_out == ["model.p.a", "model.p.ab"]
    assert judged("test", "--select", "t", selected={"test.p.t"}, a="error").refusal


def test_what_is_not_selected_stops_nothing() -> None:
    verdict = judged("build", "--select", "b", mode="gate", selected={"model.p.b"}, a="error")
    assert verdict.refusal is None
    assert verdict.arguments.words == ["build", "--select", "b"]
    assert verdict.stale


@pytest.mark.parametrize("mode", ["gate", "exclude"])
def test_nothing_runs_where_nothing_is_left(mode: str) -> None:
    verdict = judged("build", mode=mode, a="error", b="runtime error")
    assert verdict.refusal is not None
    reason, line = verdict.refusal
    assert reason is ExitReason.NODE_FAILURE
    assert line is not None
    assert "source.p.raw.a: newest row is from 2026-01-01 00:00:00, 2.0 hours old, error after 1 hour" in line
    assert verdict.left_out == []


def test_the_helpers_keep_what_decides() -> None:
    arguments = Arguments.parse(
        ["build", "--target", "t", "--vars", "{}", "--select", "a", "--empty", "--full-refresh", "--state", "s"]
    )
    assert freshness_arguments(arguments).words == [
        "source", "freshness", "--select", "source:*", "--target", "t", "--vars", "{}",
    ]  # fmt: skip
    kept = ["--target", "t", "--vars", "{}", "--select", "a", "--state", "s"]
    assert list_arguments(arguments).words == ["ls", *kept, "--output", "json", "--output-keys", "unique_id"]


IDENTITY = RunIdentity(dag_id="d", run_id="r", task_id="build")
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def measured(
    root: Path, task: str, minutes_ago: int, *, target: str = "prod", run_id: str = "r", partial: bool = False
) -> str:
    identity = IDENTITY.model_copy(update={"task_id": task, "run_id": run_id})
    path = layout.run_folder(identity) + (layout.PARTIAL_SUFFIX if partial else "")
    (root / path).mkdir(parents=True)
    at = NOW - timedelta(minutes=minutes_ago)
    record = RunRecord(
        identity=identity, status=RunStatus.SUCCESS, exit_reason=ExitReason.SUCCESS, command=["source", "freshness"],
        target=target, counts={}, failures=[], started_at=at, finished_at=at, seconds=1, podbt_version="0",
        dbt_version="1",
    )  # fmt: skip
    (root / path / "run.json").write_text(json.dumps(to_json(record)))
    metadata = {"metadata": {"generated_at": at.isoformat()}, "results": []}
    (root / path / "sources.json").write_text(json.dumps(metadata))
    return f"{path}/sources.json"


def test_the_newest_of_the_same_dag_run_and_target_counts(tmp_path: Path) -> None:
    measured(tmp_path, "early", 50)
    wanted = measured(tmp_path, "late", 10)
    measured(tmp_path, "elsewhere", 1, target="ci")
    measured(tmp_path, "other_run", 1, run_id="r2")
    measured(tmp_path, "unfinished", 1, partial=True)
    assert earlier_step(Volume(tmp_path), IDENTITY, "prod", NOW) == wanted
    assert earlier_step(Volume(tmp_path), IDENTITY, "clinic", NOW) is None


@pytest.mark.parametrize("name", ["run.json", "sources.json"])
def test_a_step_that_cannot_be_read_is_passed_by(tmp_path: Path, name: str) -> None:
    wanted = measured(tmp_path, "early", 50)
    (tmp_path / measured(tmp_path, "late", 10)).with_name(name).write_text('{"schema_version": 2}')
    assert earlier_step(Volume(tmp_path), IDENTITY, "prod", NOW) == wanted


def test_a_dag_run_that_is_cleared_much_later_looks_again(tmp_path: Path) -> None:
    measured(tmp_path, "freshness", int(RECENT.total_seconds() / 60))
    assert earlier_step(Volume(tmp_path), IDENTITY, "prod", NOW) is None


def test_the_last_of_the_target_is_pointed_to(tmp_path: Path) -> None:
    assert last_on_target(Volume(tmp_path), "prod") is None
    pointer = tmp_path / "targets/prod/freshness.json"
    pointer.parent.mkdir(parents=True)
    pointer.write_text('{"run": "runs/x", "finished_at": "2026-01-01T00:00:00Z"}')
    assert last_on_target(Volume(tmp_path), "prod") == "runs/x/sources.json"
    pointer.write_text('{"run": "runs/x", "finished_at": "2026-01-01T00:00:00Z", "surprise": 1}')
    with pytest.raises(ConfigError, match=r"targets/prod/freshness\.json: surprise: is not a known key"):
        last_on_target(Volume(tmp_path), "prod")


@pytest.mark.parametrize("text", ["", "{}", '{"metadata": {"generated_at": "x"}, "results": []}'])
def test_something_else_is_no_freshness(text: str) -> None:
    with pytest.raises(ConfigError, match=r"sources\.json"):
        Sources.parse(text.encode(), source="sources.json")


def test_a_source_that_dbt_leaves_out_of_its_file_is_added(tmp_path: Path) -> None:
    file = tmp_path / "sources.json"
    complete_sources(file, [])  # a project whose sources have no freshness: no file, and none is made
    assert not file.exists()
    told = {"unique_id": "source.shop.raw.people", "status": "pass"}
    file.write_text(json.dumps({"metadata": {"generated_at": "2026-01-02T03:04:05Z"}, "results": [told]}))
    ids = ("source.shop.raw.people", "source.shop.raw.orders")
    complete_sources(
        file, [SimpleNamespace(node=SimpleNamespace(unique_id=one), message="no such table") for one in ids]
    )
    people, orders = Sources.parse(file.read_bytes(), source=str(file)).results
    assert (people.status, people.too_old) == ("pass", False)
    assert (orders.unique_id, orders.status, orders.too_old) == (ids[1], "runtime error", True)
    assert orders.failure().message == "no such table"
