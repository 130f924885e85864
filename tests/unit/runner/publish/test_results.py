"""run_results.json of tries that chain: nothing that an earlier one found is forgotten."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.record import NodeRecord, RunIdentity, RunRecord
from podbt.runner.publish.results import complete_results
from podbt.store.volume import Volume


def result(unique_id: str, status: str, **more: Any) -> dict[str, Any]:
    return {"unique_id": unique_id, "status": status, "timing": [], "compiled_code": "select 1", **more}


def node(unique_id: str, status: str, from_try: int | None = None) -> NodeRecord:
    kind, _, name = unique_id.split(".")
    return NodeRecord(
        unique_id=unique_id, name=name, resource_type=kind, status=status, seconds=1.5, rows=3, from_try=from_try
    )


class Store:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "own.json"

    def ended(self, name: str, results: list[dict[str, Any]] | None, *, resumed_from: str | None = None) -> str:
        (self.root / name).mkdir()
        now = datetime.now(UTC)
        record = RunRecord(
            identity=RunIdentity(dag_id="d", run_id="r", task_id="t"), command=["build"], target="prod", started_at=now,
            podbt_version="1", dbt_version="1", status=RunStatus.FAILED, exit_reason=ExitReason.LOST, counts={},
            failures=[], finished_at=now, seconds=1, resumed_from=resumed_from,
        )  # fmt: skip
        (self.root / name / "run.json").write_text(record.model_dump_json(exclude_none=True))
        if results is not None:
            (self.root / name / "run_results.json").write_text(json.dumps({"results": results}))
        return name

    def complete(
        self, own: list[dict[str, Any]], nodes: list[NodeRecord], resumed_from: str | None
    ) -> dict[str, dict[str, Any]]:
        self.file.write_text(json.dumps({"metadata": {"env": {}}, "results": own, "args": {"which": "build"}}))
        complete_results(self.file, Volume(self.root), resumed_from, nodes)
        written = json.loads(self.file.read_text())
        assert {key: written[key] for key in ("metadata", "args")} == {
            "metadata": {"env": {}},
            "args": {"which": "build"},
        }
        ids = [item["unique_id"] for item in written["results"]]
        assert len(ids) == len(set(ids))
        return {item["unique_id"]: item for item in written["results"]}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_a_try_of_its_own_stays_as_dbt_wrote_it(store: Store) -> None:
    own = [result("model.p.a", "success")]
    assert store.complete(own, [node("model.p.a", "success")], None) == {"model.p.a": own[0]}


def test_what_was_done_before_is_added_as_dbt_wrote_it_then(store: Store) -> None:
    first = store.ended("one", [result("model.p.a", "success"), result("model.p.b", "error")])
    own = [result("model.p.b", "success")]
    nodes = [node("model.p.a", "success", from_try=1), node("model.p.b", "success")]
    found = store.complete(own, nodes, first)
    assert found == {"model.p.a": result("model.p.a", "success"), "model.p.b": own[0]}


def test_what_had_failed_and_was_not_reached_again_has_still_failed(store: Store) -> None:
    before = [result("model.p.a", "error"), result("model.p.b", "skipped"), result("operation.p.hook", "success")]
    first = store.ended("one", before)
    found = store.complete([], [node("model.p.a", "interrupted")], first)
    assert {key: item["status"] for key, item in found.items()} == {"model.p.a": "error", "model.p.b": "skipped"}


def test_of_a_killed_try_the_journal_tells(store: Store) -> None:
    first = store.ended("one", [result("model.p.a", "error"), result("test.p.t", "skipped")])
    second = store.ended("two", None, resumed_from=first)
    found = store.complete([], [node("model.p.a", "success", from_try=2)], second)
    assert (found["model.p.a"]["status"], found["test.p.t"]["status"]) == ("success", "skipped")
    assert found["model.p.a"]["adapter_response"] == {"rows_affected": 3}
    assert found["model.p.a"]["execution_time"] == 1.5


def test_the_added_results_are_what_dbt_reads(store: Store) -> None:
    from dbt.artifacts.schemas.run import RunResultOutput

    second = store.ended("two", None)
    found = store.complete([], [node("model.p.a", "success", from_try=2), node("test.p.t", "warn", from_try=1)], second)
    for item in found.values():
        RunResultOutput.validate(item)
        assert RunResultOutput.from_dict(item).unique_id == item["unique_id"]


def test_pruned_tries_and_a_file_cut_short_change_nothing(store: Store) -> None:
    own = [result("model.p.b", "success")]
    assert set(store.complete(own, [], "gone")) == {"model.p.b"}
    store.file.write_text('{"results": [')
    complete_results(store.file, Volume(store.root), "gone", [])
    assert store.file.read_text() == '{"results": ['
    store.file.unlink()
    complete_results(store.file, Volume(store.root), "gone", [])
    assert not store.file.exists()
