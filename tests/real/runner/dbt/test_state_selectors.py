"""Selectors of selectors.yml that ask a state, in a run."""

from pathlib import Path

import pytest
from tests.support.postgres import Server
from tests.support.runner import Runner, bake
from tests.support.shop import EVERYTHING, Shop

pytestmark = pytest.mark.postgres

SELECTORS = """
selectors:
  - {name: changed, definition: 'state:modified+'}
  - {name: failed, definition: {union: [{method: result, value: error, children: true}]}}
  - {name: fresher, definition: 'source_status:fresher+'}
  - {name: changed_codes, definition: {intersection: [{method: selector, value: changed}, 'fqn:codes+']}}
"""


@pytest.fixture
def shop(runner: Runner, postgres: Server, baked_shop: Path, tmp_path: Path) -> Shop:
    made = Shop(runner, postgres, baked_shop)
    (made.project / "selectors.yml").write_text(SELECTORS)
    runner.env["PODBT_BAKED"] = str(bake(made.project, postgres, tmp_path / "baked", runner.forks))
    return made


def test_each_works_where_its_state_is_there(shop: Shop) -> None:
    for table in ("orders", "people"):
        shop.age(table, 2)
    assert shop.step("source", "freshness").code == 0
    assert shop.step("build").code == 0
    good = (shop.project / "models/codes_used.sql").read_text()
    (shop.project / "models/codes_used.sql").write_text("select 1 / 0 as code from {{ ref('codes') }}")
    for selector in ("changed", "changed_codes"):
        assert shop.step("build", "--selector", selector, "--state", "prod").code == 1
        assert shop.ran == {"codes_used"}
    (shop.project / "models/codes_used.sql").write_text(good)
    assert shop.step("build", "--selector", "failed", "--state", "prod").code == 0
    assert shop.ran == {"codes_used"}
    shop.age("people", 1)
    assert shop.step("build", "--selector", "fresher", "--state", "prod").code == 0
    assert "people" in shop.ran
    assert "orders" not in shop.ran


def test_without_a_state_each_is_refused_or_all_that_it_could_match(shop: Shop) -> None:
    for selector, file in {"changed": "manifest", "failed": "run_results", "fresher": "sources"}.items():
        ended = shop.step("build", "--selector", selector, "--state", "prod")
        assert ended.code == 2
        assert f"lacks {file}.json" in ended.last_line
    for selector, all_of_it in {"changed": EVERYTHING, "changed_codes": {"codes", "codes_used"}}.items():
        ended = shop.step("build", "--selector", selector, "--state", "ci", PODBT_ON_MISSING_STATE="full")
        assert ended.code == 0, ended.output
        assert shop.ran == all_of_it
