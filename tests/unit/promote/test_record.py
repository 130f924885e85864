"""The record of promotions only grows, and shows what was changed in it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from podbt.errors import ConfigError
from podbt.promote import record
from podbt.promote.statements import Action, Outcome

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


def entry(number: int, digest: str, outcome: Outcome = Outcome.PASSED) -> record.Entry:
    return record.Entry(
        id=str(number), at=datetime(2026, 1, number, tzinfo=UTC), by="ada@example.com", stage="prod",
        action=Action.PROMOTE, outcome=outcome, digest=digest, revision="0" * 40, plan_hash="1" * 64,
    )  # fmt: skip


def filled(file: Path, *entries: record.Entry) -> Path:
    for one in entries:
        record.append(file, one)
    return file


def test_entries_come_back_in_their_order(tmp_path: Path) -> None:
    file = filled(tmp_path / "r.jsonl", entry(1, A), entry(2, B), entry(3, C))
    assert [one.digest for one in record.read(file)] == [A, B, C]
    assert record.read(tmp_path / "none.jsonl") == []


def test_the_entry_of_a_promotion_is_there_once(tmp_path: Path) -> None:
    file = filled(tmp_path / "r.jsonl", entry(1, A), entry(1, A))
    assert len(record.read(file)) == 1


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_half_a_line_of_one_that_died_is_written_anew(tmp_path: Path, kept: int) -> None:
    file = filled(tmp_path / "r.jsonl", entry(1, A), entry(2, B))
    whole = file.read_bytes()
    first, second, _ = whole.split(b"\n")
    file.write_bytes(first + b"\n" + second[:kept])
    assert [one.digest for one in record.read(file)] == [A]
    record.append(file, entry(2, B))
    assert file.read_bytes() == whole


@pytest.mark.parametrize("gone", [0, 1])
def test_a_removed_line_shows(tmp_path: Path, gone: int) -> None:
    file = filled(tmp_path / "r.jsonl", entry(1, A), entry(2, B), entry(3, C))
    lines = file.read_text().splitlines(keepends=True)
    del lines[gone]
    file.write_text("".join(lines))
    with pytest.raises(ConfigError, match="does not follow the line before it"):
        record.read(file)


def test_a_changed_line_shows_and_nothing_is_added_to_it(tmp_path: Path) -> None:
    file = filled(tmp_path / "r.jsonl", entry(1, A), entry(2, B))
    changed = file.read_text().replace(A, C, 1)
    file.write_text(changed)
    with pytest.raises(ConfigError, match=r"r.jsonl:2 does not follow"):
        record.append(file, entry(3, C))
    assert file.read_text() == changed


def test_what_runs_is_the_last_that_passed_and_earlier_is_another(tmp_path: Path) -> None:
    entries = [entry(1, A), entry(2, B), entry(3, B), entry(4, C, Outcome.FAILED)]
    running, before = record.running(entries), record.earlier(entries)
    assert running is not None
    assert before is not None
    assert (running.digest, before.digest) == (B, A)
    assert record.running([]) is record.earlier(entries[:1]) is None
