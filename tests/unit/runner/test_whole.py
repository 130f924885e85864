"""What counts as a complete build of a project."""

import json
from pathlib import Path
from typing import Any

import pytest

from podbt.contract.record import NodeRecord
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.publish.whole import is_whole

MANIFEST: dict[str, Any] = {
    "nodes": {
        "model.p.a": {"resource_type": "model", "config": {"materialized": "table"}},
        "model.p.inlined": {"resource_type": "model", "config": {"materialized": "ephemeral"}},
        "seed.p.s": {"resource_type": "seed", "config": {"materialized": "seed"}},
        "test.p.t": {"resource_type": "test", "config": {"materialized": "test"}},
        "analysis.p.x": {"resource_type": "analysis", "config": {}},
        "operation.p.hook": {"resource_type": "operation", "config": {}},
    },
    "unit_tests": {"unit_test.p.a.u": {"resource_type": "unit_test", "config": {}}},
    "functions": {"function.p.f": {"resource_type": "function", "config": {"materialized": "function"}}},
}
GOOD = {
    "model.p.a": "success",
    "seed.p.s": "success",
    "test.p.t": "pass",
    "unit_test.p.a.u": "pass",
    "function.p.f": "success",
}


def judged(
    folder: Path, *arguments: str, statuses: dict[str, str] | None = None, args: dict[str, Any] | None = None
) -> bool:
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    (folder / "run_results.json").write_text(json.dumps({"args": args or {}}))
    nodes = [
        NodeRecord(unique_id=key, name=key, resource_type=key.split(".")[0], status=status, seconds=0)
        for key, status in (GOOD | (statuses or {})).items()
    ]
    asked = Arguments.parse(arguments or ("build",))
    return is_whole(asked, nodes, folder / "manifest.json", folder / "run_results.json")


@pytest.mark.parametrize(
    "arguments",
    [
        ["build"],
        ["build", "--target", "prod", "--full-refresh", "--vars", '{"a": 1}', "--fail-fast"],
        ["--quiet", "build", "--threads=4"],
        ["build", "--state", "/s", "--defer"],
    ],
)
def test_a_build_of_everything_is_whole(tmp_path: Path, arguments: list[str]) -> None:
    assert judged(tmp_path, *arguments)
    assert judged(tmp_path, *arguments, statuses={"test.p.t": "warn"})


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"], ["test"], ["seed"],
        ["build", "--select", "*"], ["build", "-s", "a"], ["build", "--models=a"], ["build", "-m", "a"],
        ["build", "--exclude", "b"], ["build", "--selector", "x"], ["build", "--resource-type", "model"],
        ["build", "--exclude-resource-types", "unit_test"], ["build", "--empty"], ["build", "--sample", "3 days"],
        ["build", "--event-time-start", "2026-01-01"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_less_is_not(tmp_path: Path, arguments: list[str]) -> None:
    assert not judged(tmp_path, *arguments)


@pytest.mark.parametrize("unique_id", GOOD)
@pytest.mark.parametrize("status", ["error", "fail", "skipped", "partial success", "runtime error"])
def test_each_node_has_to_be_good(tmp_path: Path, unique_id: str, status: str) -> None:
    assert not judged(tmp_path, statuses={unique_id: status})


@pytest.mark.parametrize("unique_id", GOOD)
def test_each_node_has_to_be_there(tmp_path: Path, unique_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(GOOD, unique_id)
    assert not judged(tmp_path)


@pytest.mark.parametrize(
    "args", [{"empty": True}, {"sample": "3 days"}, {"event_time_start": "2026-01-01"}, {"event_time_end": "x"}]
)
def test_narrowing_by_environment_is_seen_in_dbts_own_record(tmp_path: Path, args: dict[str, Any]) -> None:
    assert not judged(tmp_path, args=args)


@pytest.mark.parametrize("name", ["manifest.json"])
@pytest.mark.parametrize("text", ["", "{", "[]", '{"nodes": {}}'])
def test_a_manifest_that_says_nothing_proves_nothing(tmp_path: Path, name: str, text: str) -> None:
    judged(tmp_path)
    (tmp_path / name).write_text(text)
    assert not is_whole(Arguments.parse(["build"]), [], tmp_path / "manifest.json", tmp_path / "run_results.json")
