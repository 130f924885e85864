"""Freshness before a build: what stops it, what is left out, and where it is written down."""

from pathlib import Path

import pytest
from tests.support.postgres import Server
from tests.support.runner import Runner
from tests.support.shop import EVERYTHING, Shop

from podbt.contract.record import RunRecord

pytestmark = pytest.mark.postgres

ORDERS = {"orders", "sales", "unique_orders_id", "relationships_sales_person__id__ref_people_"}


@pytest.fixture
def shop(runner: Runner, postgres: Server, baked_shop: Path) -> Shop:
    return Shop(runner, postgres, baked_shop)


def test_fresh_and_slightly_old_sources_let_the_build_go_on(shop: Shop) -> None:
    ended = shop.step("build", PODBT_FRESHNESS="gate")
    assert ended.code == 0, ended.output
    assert shop.record["exit_reason"] == "success"
    assert shop.pointer("prod", "state") is not None
    assert shop.pointer("prod", "freshness") == shop.pointer("prod", "latest")
    shop.age("orders", 30)
    ended = shop.step("build", PODBT_FRESHNESS="gate")
    assert ended.code == 0, ended.output
    assert shop.ran == EVERYTHING
    record = shop.record
    assert record["exit_reason"] == "warnings"
    (stale,) = record["stale"]
    assert (stale["unique_id"], stale["status"]) == ("source.shop.raw.orders", "warn")
    assert "30.0 hours old, warn after 1 day" in stale["message"]
    assert f"podbt: warn: source.shop.raw.orders: {stale['message']}" in ended.output
    assert record["sources"].endswith("/try-1/sources.json")
    assert (shop.runner.artifacts / record["sources"]).is_file()


def test_a_gate_stops_what_builds_on_a_stale_source_and_nothing_else(shop: Shop) -> None:
    shop.age("orders", 100)
    ended = shop.step("build", PODBT_FRESHNESS="gate")
    assert ended.code == 1
    assert "4 of 10 selected nodes build on sources that are too old, so nothing ran" in ended.last_line
    assert "source.shop.raw.orders: newest row is from" in ended.last_line
    assert "100.0 hours old, error after 3 day" in ended.last_line
    assert shop.ran == set()
    assert shop.record["exit_reason"] == "node_failure"
    assert shop.pointer("prod", "latest-success") is None
    # The selection is dbt's own, and its sources are fresh.
    ended = shop.step("build", "--selector", "people", "--exclude-resource-type", "unit_test", PODBT_FRESHNESS="gate")
    assert ended.code == 1  # a test of it compares with orders
    ended = shop.step("run", "--selector", "people", PODBT_FRESHNESS="gate")
    assert ended.code == 0, ended.output
    assert shop.ran == {"people"}
    assert shop.record["exit_reason"] == "warnings"


def test_a_default_selector_hides_no_stale_source(shop: Shop) -> None:
    """dbt takes it for `source freshness`, too, where it selects nothing; and not beside an --exclude."""
    shop.age("orders", 100)
    (shop.project / "selectors.yml").write_text(
        "selectors: [{name: two, default: true, definition: {union: [{fqn: people}, {fqn: orders}]}}]"
    )
    ended = shop.step("build", PODBT_FRESHNESS="exclude")
    assert ended.code == 0, ended.output
    assert shop.record["exit_reason"] == "warnings"
    assert shop.ran == {"people", "people_keep_their_ids", "unique_people_id"}
    ended = shop.step("build", PODBT_FRESHNESS="gate")
    assert ended.code == 1
    assert "source.shop.raw.orders: newest row is from" in ended.last_line


def test_what_builds_on_a_stale_source_is_left_out(shop: Shop) -> None:
    shop.age("orders", 100)
    ended = shop.step("build", PODBT_FRESHNESS="exclude")
    assert ended.code == 0, ended.output
    assert shop.ran == EVERYTHING - ORDERS
    record = RunRecord.parse_json((shop.folder / "run.json").read_bytes(), source="run.json")
    assert {unique_id.split(".")[2] for unique_id in record.left_out} == ORDERS
    assert record.exit_reason == "warnings"
    (line,) = [line for line in ended.output.splitlines() if "Left out" in line]
    assert all(unique_id in line for unique_id in record.left_out)
    assert shop.pointer("prod", "latest-success") is not None
    assert shop.pointer("prod", "state") is None


def test_left_out_of_a_selector_and_of_a_selection(shop: Shop) -> None:
    shop.age("orders", 100)
    people = EVERYTHING - ORDERS - {"codes", "codes_used"}
    ended = shop.step("build", "--selector", "everything", PODBT_FRESHNESS="exclude")
    assert ended.code == 0, ended.output
    assert shop.ran == EVERYTHING - ORDERS
    # The result of an earlier step of the same DAG run counts: the table is fresh by now, and nobody looked.
    assert shop.step("source", "freshness", run_id="together").code == 1
    shop.age("orders", 0)
    ended = shop.step(
        "build", "--select", "orders", "people+", "--exclude", "codes", run_id="together", PODBT_FRESHNESS="exclude"
    )
    assert ended.code == 0, ended.output
    assert shop.ran == people
    assert shop.record["sources"].startswith("runs/d/together/")
    shop.age("orders", 100)
    ended = shop.step("build", "--select", "orders+", PODBT_FRESHNESS="exclude")
    assert ended.code == 1
    assert "All 4 selected nodes build on sources that are too old" in ended.last_line


def test_a_source_that_cannot_be_asked_is_not_built_on(shop: Shop) -> None:
    shop.database.query("drop table shop_raw.orders")
    ended = shop.step("build", PODBT_FRESHNESS="exclude")
    assert ended.code == 0, ended.output
    assert shop.ran == EVERYTHING - ORDERS
    (stale,) = shop.record["stale"]
    assert stale["status"] == "runtime error"
    assert "shop_raw.orders" in stale["message"]


def test_an_unreachable_database_is_no_stale_source(shop: Shop) -> None:
    ended = shop.step("build", PODBT_FRESHNESS="exclude", WAREHOUSE_PORT="1")
    assert ended.code == 3
    assert "The database cannot be reached" in ended.last_line


def test_an_unknown_mode_is_refused(shop: Shop) -> None:
    ended = shop.step("build", PODBT_FRESHNESS="warn")
    assert ended.code == 2
    assert ended.last_line == "podbt: PODBT_FRESHNESS is 'warn'. Set it to gate or exclude."
