"""Two runs side by side."""

import json

from tests.support.records import identity, node, record

from podbt.cli.render import comparison_json, comparison_table
from podbt.contract.record import NodeRecord
from podbt.contract.runs import Run
from podbt.web.compare import compare


def run(*nodes: NodeRecord) -> Run:
    return Run("runs/d/r/t/try-1", record(identity(1), list(nodes)), list(nodes))


BEFORE = run(
    node("same"), node("slower", seconds=2), node("a_bit_slower", seconds=2), node("grown", rows=7), node("gone"),
    node("broke"),
)  # fmt: skip
AFTER = run(
    node("same"), node("slower", seconds=3.2), node("a_bit_slower", seconds=2.9), node("grown", rows=8), node("new"),
    node("broke", "error"),
)  # fmt: skip


def test_only_what_differs_is_named() -> None:
    differs = {item.unique_id.removeprefix("model.p."): item.what for item in compare(BEFORE, AFTER)}
    assert differs == {
        "slower": ["seconds"],
        "grown": ["rows"],
        "gone": ["gone"],
        "broke": ["status"],
        "new": ["new"],
    }


def test_the_table_and_its_totals() -> None:
    lines = comparison_table(BEFORE, AFTER).splitlines()
    assert lines[0].split() == ["differs", "status", "seconds", "rows", "node"]
    (broke,) = (line for line in lines if line.endswith("broke"))
    assert "success -> error" in broke
    (gone,) = (line for line in lines if line.endswith("gone"))
    assert "success -> -" in gone
    assert lines[-2:] == [
        "and 2 nodes that are the same",
        "total: success -> success, 6 -> 6 nodes, 1.5 -> 1.5 s",
    ]
    assert comparison_table(BEFORE, BEFORE).splitlines()[0] == "and 6 nodes that are the same"


def test_json_has_both_sides() -> None:
    data = json.loads(comparison_json(BEFORE, AFTER))
    (new,) = (item for item in data["nodes"] if item["differs"] == ["new"])
    assert new["before"] is None
    assert new["after"]["name"] == "new"
