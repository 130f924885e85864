"""A function of the database, which dbt keeps beside the other nodes, is recorded and counted like any of them."""

from pathlib import Path

import pytest
from tests.support.postgres import Server
from tests.support.runner import Runner
from tests.support.shop import EVERYTHING, Shop

pytestmark = pytest.mark.postgres

NAMED = """
functions:
  - name: louder
    arguments: [{name: word, data_type: text}]
    returns: {data_type: text}
"""


@pytest.fixture
def shop(runner: Runner, postgres: Server, baked_shop: Path) -> Shop:
    made = Shop(runner, postgres, baked_shop)
    (made.project / "functions").mkdir()
    (made.project / "functions/louder.sql").write_text("select upper(word)")
    (made.project / "functions/functions.yml").write_text(NAMED)
    read = "select {{ function('louder') }}(code::text) as code from {{ ref('codes') }}"
    (made.project / "models/codes_used.sql").write_text(read)
    return made


def test_a_build_is_whole_with_its_functions_and_not_without(shop: Shop) -> None:
    ended = shop.step("build")
    assert ended.code == 0, ended.output
    assert shop.ran == EVERYTHING | {"louder"}
    (node,) = [node for node in shop.nodes if node["name"] == "louder"]
    assert (node["resource_type"], node["status"]) == ("function", "success")
    assert shop.database.query("select code from shop_prod.codes_used order by code") == [("A",), ("B",)]
    state = shop.pointer("prod", "state")
    assert state is not None
    ended = shop.step("build", "--exclude", "resource_type:function")
    assert ended.code == 0, ended.output
    assert shop.ran == EVERYTHING
    assert shop.pointer("prod", "state") == state


def test_what_is_left_of_a_selector_includes_its_functions(shop: Shop) -> None:
    shop.age("orders", 100)
    ended = shop.step("build", "--selector", "everything", PODBT_FRESHNESS="exclude")
    assert ended.code == 0, ended.output
    assert "louder" in shop.ran
    assert "codes_used" in shop.ran
    assert "orders" not in shop.ran
