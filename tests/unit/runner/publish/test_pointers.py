"""Which sources.json a state goes by."""

import json
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.record import NodeRecord, RunIdentity, RunRecord, to_json
from podbt.contract.state import Pointer, TargetState
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.prepare.freshness import Verdict
from podbt.runner.prepare.prepared import Prepared
from podbt.runner.publish.pointers import Pointers
from podbt.store.runs import read_record
from podbt.store.volume import Volume

NODE = NodeRecord(unique_id="model.p.a", name="a", resource_type="model", status="success", seconds=1)


@dataclass
class Folder:
    path: str
    root: Path
    moved: dict[str, Pointer] = field(default_factory=dict)

    def point(self, target: str, name: str, pointer: Pointer) -> None:
        assert target == "prod"
        self.moved[name.removesuffix(".json")] = pointer

    def read(self, path: str, *, later: bool = False) -> bytes | None:
        return (self.root / path).read_bytes() if (self.root / path).exists() else None

    def read_record(self, run: str) -> RunRecord | None:
        return read_record(Volume(self.root), run) if (self.root / run).exists() else None


def record(try_number: int, **fields: Any) -> RunRecord:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return RunRecord(
        identity=RunIdentity(dag_id="d", run_id="r", task_id="t", try_number=try_number),
        **{"status": RunStatus.SUCCESS, "exit_reason": ExitReason.SUCCESS, "manifest": "manifests/m.json", **fields},
        command=["build"], target="prod", counts={}, failures=[], started_at=at, finished_at=at, seconds=1,
        podbt_version="0", dbt_version="1",
    )  # fmt: skip


@pytest.fixture
def environment(tmp_path: Path) -> Any:
    target = tmp_path / "target"
    target.mkdir()
    node = {"resource_type": "model", "config": {"materialized": "table"}}
    (target / "manifest.json").write_text(json.dumps({"nodes": {"model.p.a": node}}))
    (target / "run_results.json").write_text("{}")
    for name in ("runs/old/sources.json", "runs/new/sources.json"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(name)
    return SimpleNamespace(artifacts=tmp_path, target=target, project=tmp_path)


def moved(environment: Any, run: RunRecord, *, measured: bool = False) -> dict[str, Pointer]:
    verdict = Verdict(arguments=Arguments.parse(["build"]))
    prepared = Prepared(verdict=verdict, sources="runs/new/sources.json", measured=measured)
    pointers, folder = Pointers(environment, prepared, "build"), Folder("runs/now", environment.artifacts)
    whole = pointers.is_whole(run, [NODE], folder)  # type: ignore[arg-type]
    pointers.move(folder, run, ran_nodes=True, whole=whole)  # type: ignore[arg-type]
    return folder.moved


def state(pointers: dict[str, Pointer]) -> TargetState:
    found = pointers["state"]
    assert isinstance(found, TargetState)
    return found


def test_a_state_gets_a_copy_of_its_own(environment: Any) -> None:
    pointers = moved(environment, record(1))
    assert state(pointers).sources == "runs/now/sources.json"
    assert (environment.target / "sources.json").read_text() == "runs/new/sources.json"
    assert set(pointers) == {
        "latest",
        "latest-success",
        "latest-results",
        "state",
        "variables",
    }  # it measured nothing itself


def test_what_it_measured_itself_is_pointed_to(environment: Any) -> None:
    (environment.target / "sources.json").write_text("{}")
    pointers = moved(environment, record(1), measured=True)
    assert set(pointers) == {"latest", "latest-success", "latest-results", "state", "variables", "freshness"}
    assert state(pointers).sources == "runs/now/sources.json"


def test_a_resumed_build_has_seen_what_its_first_try_saw(environment: Any) -> None:
    first = {"status": RunStatus.FAILED, "exit_reason": ExitReason.NODE_FAILURE, "sources": "runs/old/sources.json"}
    second = {**first, "sources": "runs/new/sources.json", "resumed_from": "runs/try-1"}
    for number, fields in ((1, first), (2, second)):
        folder = environment.artifacts / f"runs/try-{number}"
        folder.mkdir()
        (folder / "run.json").write_text(json.dumps(to_json(record(number, **fields))))
    assert state(moved(environment, record(3, resumed_from="runs/try-2"))).sources == "runs/old/sources.json"
    (environment.artifacts / "runs/old/sources.json").unlink()
    assert state(moved(environment, record(3, resumed_from="runs/try-2"))).sources is None
    shutil.rmtree(environment.artifacts / "runs/try-1")  # pruned: no reason to call a published run a failure
    assert state(moved(environment, record(3, resumed_from="runs/try-2"))).sources is None


def test_a_failure_is_no_state(environment: Any) -> None:
    run = record(1, status=RunStatus.FAILED, exit_reason=ExitReason.TEST_FAILURE)
    assert set(moved(environment, run)) == {"latest", "latest-results"}


def test_a_damaged_earlier_record_leaves_the_state_without_sources(environment: Any) -> None:
    (environment.artifacts / "runs/try-1").mkdir()
    (environment.artifacts / "runs/try-1/run.json").write_text("{")
    assert state(moved(environment, record(3, resumed_from="runs/try-1"))).sources is None
