import json
from pathlib import Path

import pytest
from bench.runner_overhead import END, NODES, PARTS, parts_of

EVENTS = [
    ("MainReportVersion", 2.0), ("FoundStats", 3.5), ("ConcurrencyLine", 3.75), ("NodeStart", 4.0), ("NodeStart", 4.5),
    ("NodeFinished", 5.0), ("NodeFinished", 6.0),
]  # fmt: skip


def test_the_parts_follow_each_other_from_the_process_start_to_its_end(tmp_path: Path) -> None:
    log = tmp_path / "dbt.log"
    lines = [{"info": {"name": name, "ts": f"1970-01-01T00:00:{seconds:09.6f}Z"}} for name, seconds in EVENTS]
    log.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    parts = parts_of(log, began=1.0, ended=6.5)
    assert list(parts) == [*PARTS, NODES, END]
    assert list(parts.values()) == pytest.approx([1.0, 1.5, 0.25, 0.25, 2.0, 0.5])
    assert sum(parts.values()) == pytest.approx(5.5)
