"""A microbatch model whose batches fail in part: it says which and why, and a retry that is green has all days."""

import json
import os
import signal

import pytest
from tests.support.days import DAYS, Days, midnight
from tests.support.postgres import Server
from tests.support.runner import Runner
from tests.support.waiting import wait_for

pytestmark = pytest.mark.postgres

EVERY_DAY = set(range(DAYS))


@pytest.fixture
def days(runner: Runner, postgres: Server) -> Days:
    made = Days(runner, postgres)
    made.prepare()
    return made


def day(ago: int) -> str:
    return f"{midnight(ago):%Y-%m-%d}"


def test_what_failed_is_named_and_a_retry_builds_exactly_that(days: Days) -> None:
    days.breaks(2)
    ended = days.step("build")
    assert ended.code == 1, ended.output
    why = f"1 of 5 batches failed: {day(2)}: Database Error division by zero"
    assert f"model.tiny.daily: {why}" in ended.last_line
    assert f"        {why}\n" in ended.output
    node = days.node("daily")
    assert (node["status"], node["message"]) == ("partial success", why)
    assert node["batches"]["left"] == [[f"{day(2)}T00:00:00Z", f"{day(1)}T00:00:00Z"]]
    assert "case when id in" in (days.folder() / node["compiled"]).read_text()
    record = json.loads((days.folder() / "run.json").read_text())
    assert record["counts"] == {"total": 5, "partial success": 1, "skipped": 2, "success": 2}
    assert record["failures"] == [{"unique_id": "model.tiny.daily", "status": "partial success", "message": why}]
    before = days.written()
    assert set(before) == EVERY_DAY - {2}
    days.breaks()
    ended = days.step("build")
    assert ended.code == 0, ended.output
    assert f"model.tiny.daily: batches that runs/d/r/build/try-1 left are built: {day(2)}" in ended.output
    after = days.written()
    assert set(after) == EVERY_DAY
    assert {ago for ago in EVERY_DAY if after[ago] != before.get(ago)} == {2}
    assert days.database.query("select visits from tiny.summary") == [(DAYS,)]
    results = json.loads((days.folder() / "run_results.json").read_text())["results"]
    (batches,) = [one["batch_results"] for one in results if one["unique_id"] == "model.tiny.daily"]
    assert (len(batches["successful"]), batches["failed"]) == (DAYS, [])
    assert days.node("daily")["batches"]["left"] == []
    assert (days.runner.artifacts / "targets/dev/state.json").exists()


def test_where_the_first_batch_fails_the_others_are_not_tried_and_a_retry_builds_all(days: Days) -> None:
    days.breaks(DAYS - 1, 1)
    ended = days.step("build", "--full-refresh")
    assert ended.code == 1, ended.output
    why = f"1 of 5 batches failed: {day(4)}: Database Error division by zero"
    assert f"{why}; 4 were not tried, since the first one failed" in ended.last_line
    assert days.node("daily")["status"] == "error"
    days.breaks(1)
    assert days.step("build", "--full-refresh").code == 1
    before = days.written()
    assert set(before) == EVERY_DAY - {1}
    # A full refresh of what is left would replace the table by it.
    days.breaks()
    ended = days.step("build", "--full-refresh")
    assert ended.code == 0, ended.output
    after = days.written()
    assert {ago for ago in after if after[ago] != before.get(ago)} == {1}
    assert set(after) == EVERY_DAY


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_left_what_it_had_not_built(days: Days, number: signal.Signals) -> None:
    days.database.query("insert into faults.slow values (2, 60)")
    process = days.start("build")
    wait_for(lambda: days.database.asleep() == 1)
    os.kill(process.pid, number)
    process.communicate(timeout=30)
    days.database.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'dbt'", superuser=True)
    before = days.written()
    assert set(before) == {4, 3}
    days.database.query("delete from faults.slow")
    ended = days.step("build")
    assert ended.code == 0, ended.output
    after = days.written()
    assert set(after) == EVERY_DAY
    assert {ago: after[ago] for ago in before} == before


def test_the_model_tried_alone_in_another_task_builds_exactly_what_is_left(days: Days) -> None:
    """As a model group does it: the group's pod failed, and its selection is another one."""
    days.breaks(3, 1)
    assert days.step("build", task="models.pod").code == 1
    before = days.written()
    days.breaks(1)
    alone = ["build", "--select", "daily", "unique_daily_id", "--indirect-selection", "empty"]
    days.tries["models.daily"] = 1
    ended = days.step(*alone, task="models.daily", PODBT_RESUME="0")
    assert ended.code == 1, ended.output
    assert f"left are built: {day(3)}, {day(1)}\n" in ended.output
    days.breaks()
    ended = days.step(*alone, task="models.daily", PODBT_RESUME="0")
    assert ended.code == 0, ended.output
    assert f"models.daily/try-2 left are built: {day(1)}\n" in ended.output
    after = days.written()
    assert set(after) == EVERY_DAY
    assert {ago for ago in after if after[ago] != before.get(ago)} == {3, 1}


def test_after_midnight_a_model_that_never_began_builds_the_days_of_the_first_try(days: Days) -> None:
    days.prepare(lookback=0)
    assert days.step("build", task="before").code == 0
    before = days.written()
    # Upstream of the model fails, so its batches are never planned; and the try was yesterday's, after the table's.
    (days.runner.folder / "project/models/daily.sql").write_text(
        "-- depends_on: {{ ref('first') }}\n" + days.files["models/daily.sql"]
    )
    days.database.query("delete from faults.gate")
    assert days.step("build").code == 1
    days.earlier("before", days=2)
    days.earlier("build", days=1)
    days.database.query("insert into faults.gate values (1)")
    ended = days.step("build")
    assert ended.code == 0, ended.output
    after = days.written()
    assert {ago for ago in after if after[ago] != before.get(ago)} == {1}


def test_another_image_builds_its_own_days_and_what_is_left(days: Days) -> None:
    days.breaks(3)
    assert days.step("build", PODBT_REVISION="a").code == 1
    before = days.written()
    days.breaks()
    ended = days.step("build", PODBT_REVISION="b")
    assert ended.code == 0, ended.output
    after = days.written()
    assert set(after) == EVERY_DAY
    assert {ago for ago in after if after[ago] != before.get(ago)} == {3, 1, 0}  # dbt looks one day back


def test_where_the_table_is_gone_everything_is_built(days: Days) -> None:
    days.breaks(2)
    assert days.step("build").code == 1
    days.database.query("drop table tiny.daily cascade")
    days.breaks()
    ended = days.step("build")
    assert ended.code == 0, ended.output
    assert set(days.written()) == EVERY_DAY


def test_another_dag_run_says_what_stays_missing_until_somebody_builds_it(days: Days) -> None:
    days.breaks(3)
    assert days.step("build").code == 1
    days.breaks()
    ended = days.step("build", PODBT_RUN_ID="next")
    assert ended.code == 0, ended.output
    said = (
        f"model.tiny.daily: batches that runs/d/r/build/try-1 left are missing, and not among this run's: {day(3)}. "
        f"Clear that run, or build them with --event-time-start {day(3)}T00:00:00 --event-time-end {day(2)}T00:00:00."
    )
    assert f"podbt: {said}\n" in ended.output
    record = json.loads((days.runner.artifacts / "runs/d/next/build/try-1/run.json").read_text())
    assert record["notes"] == [said]
    assert set(days.written()) == EVERY_DAY - {3}
    window = ["--event-time-start", day(3), "--event-time-end", day(2)]
    assert days.step("run", "--select", "daily", *window, PODBT_RUN_ID="by-hand").code == 0
    assert set(days.written()) == EVERY_DAY
    ended = days.step("build", PODBT_RUN_ID="after-that")
    assert ended.code == 0, ended.output
    assert "are missing" not in ended.output
