"""Secrets are taken out of a state's files, and nothing is changed to dbt for that."""

import json
from pathlib import Path

import pytest
from tests.support.postgres import Server
from tests.support.runner import Runner
from tests.support.shop import EVERYTHING, Shop

pytestmark = pytest.mark.postgres

TOKEN = "tok-5f2c9a7e41"
# Of the last three no more can be said than that they are words, and digits, of every project.
SECRETS = {"API_TOKEN": TOKEN, "LEGACY_PASSWORD": "sales", "SQL_PASSWORD": "select", "PIN_PASSWORD": "2026"}

CONFIG = f"{{{{ config(meta={{'token': '{TOKEN}'}}) }}}}"


@pytest.fixture
def shop(runner: Runner, postgres: Server, baked_shop: Path) -> Shop:
    made = Shop(runner, postgres, baked_shop)
    made.runner.env |= SECRETS
    # One who writes a credential into the project itself, in all that dbt compares of it.
    written = {
        "models/told.sql": f"{CONFIG} select '{TOKEN}' as given, {{{{ uses() }}}} as used",
        "macros/uses.sql": f"{{% macro uses() %}}'{TOKEN}'{{% endmacro %}}",
        "tests/never.sql": f"select * from {{{{ ref('told') }}}} where given <> '{TOKEN}'",
    }
    for path, text in written.items():
        (made.project / path).parent.mkdir(exist_ok=True)
        (made.project / path).write_text(text)
    return made


def test_nothing_is_modified_against_a_state_without_secrets(shop: Shop) -> None:
    ended = shop.step("build", PODBT_EVENTS="1")
    assert ended.code == 0, ended.output
    assert shop.ran == EVERYTHING | {"told", "never"}
    assert TOKEN not in ended.output
    events = [json.loads(line.removeprefix("::podbt ")) for line in ended.output.splitlines() if "::podbt" in line]
    assert {"model.shop.sales", "model.shop.told"} <= {event.get("n") for event in events}
    state = shop.pointer("prod", "state")
    assert state is not None
    manifest = (shop.runner.artifacts / state["manifest"]).read_text()
    assert TOKEN not in manifest
    nodes = json.loads(manifest)["nodes"]
    compiled = nodes["model.shop.told"]["compiled_code"]
    assert compiled.strip() == "select '*****API_TOKEN*****' as given, '*****API_TOKEN*****' as used"
    assert nodes["model.shop.sales"]["name"] == "sales"
    for file in shop.runner.artifacts.rglob("*"):
        assert not file.is_file() or TOKEN not in file.read_text(), file
    ended = shop.step("build", "--select", "state:modified+", "--state", "prod", PODBT_ALLOW_EMPTY="1")
    assert ended.code == 0, ended.output
    assert shop.record["exit_reason"] == "nothing_to_do"
    (shop.project / "models/told.sql").write_text("select 'another' as given, {{ uses() }} as used")
    ended = shop.step("run", "--select", "state:modified", "--state", "prod")
    assert ended.code == 0, ended.output
    assert shop.ran == {"told"}
