"""Spans of time: what is built and what is left never overlap, and together are what was to be built."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from podbt.contract.batches import Batches, Span, joined, without

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int, days: int = 1) -> Span:
    return FIRST + timedelta(days=number), FIRST + timedelta(days=number + days)


def days_of(spans: list[Span]) -> set[int]:
    return {n for start, end in spans for n in range((start - FIRST).days, (end - FIRST).days)}


def test_neighbours_are_one_span() -> None:
    assert joined([day(2), day(0), day(1), day(5)]) == [day(0, 3), day(5)]
    assert without([day(0, 5)], day(2)) == [day(0, 2), day(3, 2)]
    assert without([day(0)], day(0)) == []
    assert without([day(0)], day(3)) == [day(0)]


@given(st.sets(st.integers(0, 30)), st.lists(st.integers(0, 30)))
def test_a_batch_is_built_or_left(to_build: set[int], built: list[int]) -> None:
    batches = Batches.of([], map(day, to_build))
    for number in built:
        batches = batches.built(day(number))
    assert days_of(batches.done) == set(built)
    assert days_of(batches.left) == to_build - set(built)
    for spans in (batches.done, batches.left):
        assert all(one[1] < other[0] for one, other in pairwise(spans))


def test_it_survives_a_journal() -> None:
    batches = Batches.of([day(0)], [day(2, 3)])
    assert Batches.parse_json(batches.model_dump_json(), source="a line") == batches
