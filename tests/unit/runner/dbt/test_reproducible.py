"""Two parses of the same files, made at two times in two orders of folders, are the same bytes."""

import json
from pathlib import Path
from typing import Any

from podbt.runner.dbt.reproducible import settle, settle_file

EPOCH = 315532800


def manifest(moment: str, *order: str) -> dict[str, Any]:
    """As dbt writes it."""
    node = {"created_at": len(order) + hash(moment), "config": {"b": 1, "a": 2}}
    metadata = {"generated_at": f"{moment}Z", "run_started_at": f"{moment}+00:00", "invocation_id": moment, "env": {}}
    return {
        "metadata": metadata,
        "nodes": {name: {**node, "name": name} for name in order},
        "disabled": {name: [{**node, "name": name}] for name in order},
        "child_map": {name: ["b", "a"] for name in order},
    }


def test_order_and_moment_do_not_count(tmp_path: Path) -> None:
    written = []
    for number, parsed in enumerate(
        (manifest("2026-01-01T10:00:00", "a", "b"), manifest("2026-02-02T11:11:11", "b", "a"))
    ):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(parsed))
        settle_file(file, EPOCH)
        written.append(file.read_text())
    assert written[0] == written[1]
    read = json.loads(written[0])
    assert read["metadata"] == {
        "generated_at": "1980-01-01T00:00:00.000000Z",
        "run_started_at": "1980-01-01T00:00:00+00:00",
        "invocation_id": "00000000-0000-0000-0000-000000000000",
        "env": {},
    }
    assert read["disabled"]["a"] == [{"created_at": EPOCH, "config": {"b": 1, "a": 2}, "name": "a"}]
    assert list(read["nodes"]["a"]["config"]) == ["b", "a"]  # a project's own order stays
    assert read["child_map"]["a"] == ["b", "a"]


def test_a_moment_that_an_older_dbt_does_not_write_stays_away() -> None:
    parsed = manifest("2026-01-01T10:00:00", "a")
    del parsed["metadata"]["run_started_at"]
    settle(parsed, EPOCH)
    assert "run_started_at" not in parsed["metadata"]
