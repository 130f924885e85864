"""A target knows what is missing of its microbatch models, whoever left it and whoever builds it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.records import identity, node, record

from podbt.contract.batches import Batches, Gap, Span
from podbt.contract.record import NodeRecord
from podbt.store.gaps import keep_gaps, read_gaps
from podbt.store.volume import Volume

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int, days: int = 1) -> Span:
    return FIRST + timedelta(days=number), FIRST + timedelta(days=number + days)


def daily(done: list[Span], left: list[Span], name: str = "daily") -> NodeRecord:
    return node(name).model_copy(update={"batches": Batches.of(done, left)})


def keep(root: Path, *nodes: NodeRecord, run: str, database: str = "db") -> dict[str, Gap]:
    made = record(identity(1), list(nodes)).model_copy(update={"database": database})
    keep_gaps(Volume(root), made, nodes, run=run)
    return read_gaps(Volume(root), "prod").models


def test_what_is_left_stays_until_it_is_built(tmp_path: Path) -> None:
    assert read_gaps(Volume(tmp_path), "prod").models == {}
    found = keep(tmp_path, daily([day(0), day(3)], [day(1, 2)]), run="r1")
    assert found == {"model.p.daily": Gap(left=[day(1, 2)], run="r1", database="db")}
    found = keep(tmp_path, daily([day(4)], []), node("other"), run="r2")
    assert found["model.p.daily"] == Gap(left=[day(1, 2)], run="r1", database="db")
    found = keep(tmp_path, daily([day(1)], [day(5)]), run="r3")
    assert found["model.p.daily"] == Gap(left=[day(2), day(5)], run="r3", database="db")
    assert keep(tmp_path, daily([day(0, 6)], []), run="r4") == {}


def test_models_and_targets_have_their_own(tmp_path: Path) -> None:
    keep(tmp_path, daily([], [day(0)]), daily([], [day(1)], "hourly"), run="r1")
    assert set(keep(tmp_path, daily([day(0)], []), run="r2")) == {"model.p.hourly"}
    assert read_gaps(Volume(tmp_path), "ci").models == {}
    # What another database lacks, this one may have.
    found = keep(tmp_path, daily([], [day(7)], "hourly"), run="r3", database="other")
    assert found["model.p.hourly"] == Gap(left=[day(7)], run="r3", database="other")


def test_what_was_carried_over_was_told_by_its_own_run(tmp_path: Path) -> None:
    carried = daily([day(0)], [day(1)]).model_copy(update={"from_try": 1})
    assert keep(tmp_path, carried, run="r1") == {}
    assert not (tmp_path / "targets").exists()


@pytest.mark.parametrize("content", ["", "{", '{"models": 1}'])
def test_a_damaged_file_is_begun_anew(tmp_path: Path, content: str) -> None:
    file = tmp_path / "targets/prod/batches.json"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    assert read_gaps(Volume(tmp_path), "prod").models == {}
    assert set(keep(tmp_path, daily([], [day(1)]), run="r1")) == {"model.p.daily"}
