"""Microbatch models whose batches are hours, months or years: named as dbt names them, and retried one by one."""

import pytest
from tests.support.days import DAYS, Days, beginning
from tests.support.postgres import Server
from tests.support.runner import Runner

pytestmark = pytest.mark.postgres

NAMES = {"hour": "%Y-%m-%dT%H", "month": "%Y-%m", "year": "%Y"}


@pytest.mark.parametrize("size", NAMES)
def test_what_failed_is_named_and_a_retry_builds_exactly_that(runner: Runner, postgres: Server, size: str) -> None:
    days = Days(runner, postgres)
    days.prepare(size=size)
    name = f"{beginning(size, 2):{NAMES[size]}}"
    days.breaks(2)
    ended = days.step("build")
    assert ended.code == 1, ended.output
    assert f"model.tiny.daily: 1 of 5 batches failed: {name}: Database Error division by zero" in ended.last_line
    begin, end = (f"{beginning(size, ago):%Y-%m-%dT%H:%M:%SZ}" for ago in (2, 1))
    assert days.node("daily")["batches"]["left"] == [[begin, end]]
    before = days.written()
    assert set(before) == set(range(DAYS)) - {2}
    days.breaks()
    ended = days.step("build")
    assert ended.code == 0, ended.output
    assert f"batches that runs/d/r/build/try-1 left are built: {name}\n" in ended.output
    after = days.written()
    assert set(after) == set(range(DAYS))
    assert {ago for ago in after if after[ago] != before.get(ago)} == {2}
