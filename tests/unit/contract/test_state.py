"""What a pointer or a record names lies in the store, whoever wrote it."""

import json

import pytest

from podbt.contract.batches import Gaps
from podbt.contract.record import NodeRecord, RunRecord, Summary
from podbt.contract.state import Pointer, TargetState
from podbt.errors import ConfigError

AT = "2026-01-01T00:00:00Z"
RUN = "runs/d/r/t/try-1"
RECORD = {
    "identity": {"dag_id": "d", "run_id": "r", "task_id": "t"}, "command": ["build"], "target": "prod",
    "started_at": AT, "podbt_version": "1", "dbt_version": "1", "status": "success", "exit_reason": "success",
    "counts": {}, "failures": [], "finished_at": AT, "seconds": 1.0,
}  # fmt: skip
NODE = {"unique_id": "model.p.m", "name": "m", "resource_type": "model", "status": "error", "seconds": 1.0}
STATE = {"run": RUN, "finished_at": AT, "manifest": "manifests/a.json", "run_results": f"{RUN}/run_results.json"}
ELSEWHERE = ["../x", f"{RUN}/../../../../../x", "..", "/etc/passwd", "runs/./d", f"{RUN}/.."]


@pytest.mark.parametrize("path", ELSEWHERE)
@pytest.mark.parametrize(
    ("kind", "content", "key"),
    [
        (Pointer, {"run": RUN, "finished_at": AT}, "run"),
        *[(TargetState, STATE, key) for key in ("run", "manifest", "run_results", "sources")],
        *[(RunRecord, RECORD, key) for key in ("manifest", "sources", "resumed_from")],
        (NodeRecord, NODE, "compiled"),
        (Summary, {"status": "failed", "exit_reason": "lost"}, "artifacts"),
    ],
)
def test_no_path_leads_out_of_the_store(
    kind: type[Pointer | RunRecord | NodeRecord | Summary], content: dict[str, object], key: str, path: str
) -> None:
    assert getattr(kind.parse_json(json.dumps(content | {key: "runs/d..x/a.b@0"}), source="file"), key)
    with pytest.raises(ConfigError, match=f"^file: {key}: is no path within the artifact store$"):
        kind.parse_json(json.dumps(content | {key: path}), source="file")


@pytest.mark.parametrize("path", ELSEWHERE)
def test_neither_does_one_of_what_is_missing(path: str) -> None:
    with pytest.raises(ConfigError, match=r"models\.model\.p\.m\.run: is no path within the artifact store$"):
        Gaps.parse({"models": {"model.p.m": {"left": [], "run": path}}}, source="batches.json")
