"""The generator's stories, told into memory."""

import datetime as dt
import hashlib
from collections import defaultdict
from decimal import Decimal
from unittest.mock import MagicMock

import pytest
from tests.support.dental import generate

AS_OF = dt.date(2026, 1, 15).toordinal()
PATIENTS = 120
# Of the rows of 120 patients with seed 20. A change here means that the data changed for everybody: say so in the
# changelog, since figures that people compare with have moved.
FINGERPRINT = "91243b37bbeb89cb"


class MemorySink:
    """Keeps rows as text, as COPY would send them."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[str, ...]]] = defaultdict(list)

    def add(self, table: str, edit_day: int, *values: object) -> None:
        self.rows[table].append((*map(str, values), str(edit_day)))


def told(seed: int = 20, patients: int = PATIENTS) -> dict[str, list[tuple[str, ...]]]:
    from demo_data.cli import write_world
    from demo_data.sink import Keys

    sink = MemorySink()
    write_world(sink, Keys(), seed, patients, AS_OF)
    return sink.rows


def fingerprint(rows: dict[str, list[tuple[str, ...]]]) -> str:
    digest = hashlib.sha256()
    for table in sorted(rows):
        digest.update(table.encode())
        for row in rows[table]:
            digest.update("\t".join(row).encode())
    return digest.hexdigest()[:16]


@pytest.fixture(scope="module")
def rows() -> dict[str, list[tuple[str, ...]]]:
    return told()


@pytest.fixture(scope="module")
def records(rows: dict[str, list[tuple[str, ...]]]) -> dict[str, list[dict[str, str]]]:
    from demo_data.tables import TABLES

    return {
        table: [dict(zip([name for name, _ in TABLES[table]], row, strict=False)) for row in lines]
        for table, lines in rows.items()
    }


def test_same_seed_same_data_everywhere(rows: dict[str, list[tuple[str, ...]]]) -> None:
    assert fingerprint(rows) == FINGERPRINT


def test_another_seed_tells_other_stories(rows: dict[str, list[tuple[str, ...]]]) -> None:
    assert fingerprint(told(seed=21)) != fingerprint(rows)


def test_every_table_is_filled_with_rows_of_its_width(rows: dict[str, list[tuple[str, ...]]]) -> None:
    from demo_data.tables import TABLES

    assert set(rows) == set(TABLES)
    for table, lines in rows.items():
        assert {len(line) for line in lines} == {len(TABLES[table]) + 1}, table


def test_keys_are_unique(rows: dict[str, list[tuple[str, ...]]]) -> None:
    for table, lines in rows.items():
        assert len({line[0] for line in lines}) == len(lines), table


@pytest.mark.parametrize("patients", [1, 2, 7])
def test_writes_exactly_as_many_patients_as_asked(patients: int) -> None:
    assert len(told(patients=patients)["patient"]) == patients


def test_no_row_is_older_than_its_story(rows: dict[str, list[tuple[str, ...]]]) -> None:
    assert {int(line[-1]) < AS_OF for lines in rows.values() for line in lines} == {True}


def amounts(lines: list[dict[str, str]], key: str, value: str) -> dict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[line[key]] += Decimal(line[value])
    return sums


def test_payments_equal_their_splits(records: dict[str, list[dict[str, str]]]) -> None:
    splits = amounts(records["paysplit"], "PayNum", "SplitAmt")
    assert all(splits[payment["PayNum"]] == Decimal(payment["PayAmt"]) for payment in records["payment"])


def test_checks_equal_their_lines(records: dict[str, list[dict[str, str]]]) -> None:
    paid = amounts(records["claimproc"], "ClaimPaymentNum", "InsPayAmt")
    assert all(paid[check["ClaimPaymentNum"]] == Decimal(check["CheckAmt"]) for check in records["claimpayment"])


def test_stories_hang_together(records: dict[str, list[dict[str, str]]]) -> None:
    """Plan, visit, procedure, claim, payment: some procedure has been through all of it."""
    planned = {row["ProcNum"] for row in records["treatplanattach"]}
    done = {row["ProcNum"] for row in records["procedurelog"] if row["ProcStatus"] == "2" and row["AptNum"] != "0"}
    answered = {row["ProcNum"] for row in records["claimproc"] if row["Status"] == "1"}
    paid = {row["ProcNum"] for row in records["paysplit"]}
    assert planned & done & answered & paid


def test_dirt_is_there(records: dict[str, list[dict[str, str]]]) -> None:
    births = {row[5] for row in told(patients=400)["patient"]}
    assert {"0001-01-01", "1900-01-01"} <= births
    assert any(row["ProvHyg"] == "0" for row in records["appointment"])
    assert any(row["ClinicNum"] == "0" for row in records["appointment"])
    assert {"1", "2", "5"} <= {row["AptStatus"] for row in records["appointment"]}
    assert any(Decimal(row["PayAmt"]) < 0 for row in records["payment"])
    assert any(row["PayType"] == "0" and Decimal(row["PayAmt"]) == 0 for row in records["payment"])
    assert any(row["UnearnedType"] != "0" for row in records["paysplit"])
    assert {"0", "1", "2", "4"} <= {row["Status"] for row in records["claimproc"]}


@pytest.mark.parametrize(
    ("age", "bucket"),
    [(0, 0), (30, 0), (31, 1), (60, 1), (61, 2), (90, 2), (91, 3), (4000, 3)],
)
def test_ageing_at_its_edges(age: int, bucket: int) -> None:
    from demo_data.people import aged

    total, buckets = aged([(AS_OF - age, 500)], AS_OF)
    assert total == 500
    assert buckets == [500 if index == bucket else 0 for index in range(4)]


def test_ageing_pays_the_oldest_first_and_shows_credit() -> None:
    from demo_data.people import aged

    charges = [(AS_OF - 10, 300), (AS_OF - 100, 200)]
    assert aged([*charges, (AS_OF, -250)], AS_OF) == (250, [250, 0, 0, 0])
    assert aged([*charges, (AS_OF, -600)], AS_OF) == (-100, [-100, 0, 0, 0])


def test_batches_are_sent_as_they_fill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory holds at most one batch a table."""
    from demo_data import sink as module

    sent: list[str] = []

    cursor = MagicMock()
    cursor.__enter__.return_value.copy_expert = lambda _, lines: sent.append(lines.read())
    connection = MagicMock(cursor=lambda: cursor)
    monkeypatch.setattr(module, "BATCH_ROWS", 3)
    sink = module.CopySink(connection, AS_OF)
    for number in range(7):
        sink.add("employer", AS_OF - 5, number, "x")
    assert [block.count("\n") for block in sent] == [3, 3]
    sink.flush()
    assert [block.count("\n") for block in sent] == [3, 3, 1]
    assert sent[0].splitlines()[0] == "0\tx\t2026-01-11 00:30:00+00"
    assert sink.rows["employer"] == 7


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ([], "give --patients and --as-of"),
        (["--patients", "5"], "give --patients and --as-of"),
        (["--patients", "0", "--as-of", "2026-01-15"], "give 1 to 1,000,000"),
        (["--patients", "2000000", "--as-of", "2026-01-15"], "give 1 to 1,000,000"),
        (["--patients", "5", "--as-of", "1900-01-15"], "give a year from 2000"),
        (["--patients", "5", "--as-of", "soon"], "--as-of"),
        (["--advance-days", "0"], "give 1 to 366"),
        (["--advance-days", "2", "--patients", "5"], "leave out --patients"),
        (["--patients", "5", "--as-of", "2026-01-15"], "Check PGHOST, PGPORT"),
    ],
    ids=["nothing", "no-day", "zero", "too-many", "old-year", "no-date", "no-days", "both", "no-server"],
)
def test_wrong_input_is_refused_in_a_line(arguments: list[str], hint: str) -> None:
    ended = generate(*arguments, port=1, password="x")
    assert ended.returncode == 2
    assert hint in ended.stderr
    assert "Traceback" not in ended.stderr
