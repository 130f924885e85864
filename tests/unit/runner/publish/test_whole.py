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
        "test.p.of_nothing": {"resource_type": "test", "config": {"materialized": "test", "enabled": False}},
        "operation.p.hook": {"resource_type": "operation", "config": {}},
    },
    "unit_tests": {"unit_test.p.a.u": {"resource_type": "unit_test", "config": {}}},
    "functions": {"function.p.f": {"resource_type": "function", "config": {"materialized": "function"}}},
}
GOOD = {
    "model.p.a": "success", "seed.p.s": "success", "test.p.t": "pass", "unit_test.p.a.u": "pass",
    "function.p.f": "success",
}  # fmt: skip
BY_DEFAULT = {"most": {"name": "most", "default": True}, "other": {"name": "other"}}


def judged(
    folder: Path,
    *arguments: str,
    statuses: dict[str, str] | None = None,
    args: dict[str, Any] | None = None,
    selectors: dict[str, Any] | None = None,
    selected: set[str] | None = None,
) -> bool:
    (folder / "manifest.json").write_text(json.dumps(MANIFEST | {"selectors": selectors or {}}))
    (folder / "run_results.json").write_text(json.dumps({"args": args or {}}))
    nodes = [
        NodeRecord(unique_id=key, name=key, resource_type=key.split(".")[0], status=status, seconds=0)
        for key, status in (GOOD | (statuses or {})).items()
    ]
    files = folder / "manifest.json", folder / "run_results.json"
    return is_whole(Arguments.parse(arguments or ("build",)), nodes, *files, selected=selected)


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
        ["run"], ["test"], ["seed"], ["build", "--empty"], ["build", "--sample", "3 days"],
        ["build", "--event-time-start", "2026-01-01"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_less_is_not(tmp_path: Path, arguments: list[str]) -> None:
    assert not judged(tmp_path, *arguments)
    assert not judged(tmp_path, *arguments, selectors=BY_DEFAULT, selected=set(GOOD))


SELECTIONS = [
    ["--select", "*"], ["-s", "a"], ["--models=a"], ["-m", "a"], ["--exclude", "b"], ["--selector", "x"],
    ["--resource-type", "model"], ["--exclude-resource-types", "unit_test"],
]  # fmt: skip


@pytest.mark.parametrize("selection", SELECTIONS, ids=" ".join)
@pytest.mark.parametrize("selectors", [{}, BY_DEFAULT], ids=["no default", "a default selector"])
def test_a_selection_is_whole_where_it_names_every_node(
    tmp_path: Path, selection: list[str], selectors: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert judged(tmp_path, "build", *selection, selectors=selectors, selected=set(GOOD))
    for unique_id in list(GOOD):
        with monkeypatch.context() as patch:
            patch.delitem(GOOD, unique_id)
            assert not judged(tmp_path, "build", *selection, selectors=selectors, selected=set(GOOD))


def test_what_a_default_selector_leaves_out_is_no_part_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(GOOD, "model.p.a")
    most = set(GOOD) | {"exposure.p.page", "model.p.inlined"}
    assert judged(tmp_path, "build", selectors=BY_DEFAULT, selected=most)
    assert not judged(tmp_path, "build", selectors={"most": {"name": "most"}}, selected=most)
    assert not judged(tmp_path, "build", selectors=BY_DEFAULT, selected={*most, "model.p.a"})
    assert not judged(tmp_path, "build", selectors=BY_DEFAULT, selected=most, statuses={"test.p.t": "fail"})
    assert not judged(tmp_path, "build", selectors=BY_DEFAULT, selected=set())
    assert not judged(tmp_path, "build", selectors=BY_DEFAULT)  # it asked a state for what it selected


@pytest.mark.parametrize("kinds", [{"resource_types": ["seed"]}, {"exclude_resource_types": ["model"]}])
def test_kinds_chosen_by_environment_are_less_than_a_default_selector(
    tmp_path: Path, kinds: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(GOOD, "model.p.a")
    assert not judged(tmp_path, "build", selectors=BY_DEFAULT, selected=set(GOOD), args=kinds)


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
