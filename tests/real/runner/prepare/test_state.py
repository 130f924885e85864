"""A target's state: what moves it, what does not, and what later runs do with it."""

import json
from pathlib import Path

import pytest
from tests.support.postgres import Server
from tests.support.runner import Runner
from tests.support.shop import EVERYTHING, Shop
from tests.support.waiting import wait_for

from podbt.runner.dbt.engine import variable

pytestmark = pytest.mark.postgres


@pytest.fixture
def shop(runner: Runner, postgres: Server, baked_shop: Path) -> Shop:
    return Shop(runner, postgres, baked_shop)


def change(shop: Shop, name: str, sql: str) -> None:
    (shop.project / f"models/{name}.sql").write_text(sql)


def test_a_complete_build_becomes_the_state(shop: Shop) -> None:
    assert shop.step("source", "freshness").code == 0
    assert shop.pointer("prod", "state") is None
    ended = shop.step("build", PODBT_IMAGE="shop:1", PODBT_REVISION="abc")
    assert ended.code == 0, ended.output
    assert shop.ran == EVERYTHING
    state = shop.pointer("prod", "state")
    assert state is not None
    assert state["run"] == str(shop.folder.relative_to(shop.runner.artifacts))
    assert (state["image"], state["revision"]) == ("shop:1", "abc")
    assert state["manifest"] == shop.record["manifest"]
    for key in ("manifest", "run_results", "sources"):
        assert json.loads((shop.runner.artifacts / state[key]).read_text())["metadata"]["dbt_version"]
    assert state["sources"].startswith(state["run"])


def test_nothing_less_moves_the_state(shop: Shop) -> None:
    """More ways to build less are in tests/unit/runner/publish/test_whole.py."""
    steps: list[tuple[list[str], dict[str, str]]] = [
        (["build", "--exclude", "codes_used"], {}),
        (["build"], {variable("EMPTY"): "true"}),
        (["run"], {}),
    ]
    for arguments, env in steps:
        ended = shop.step(*arguments, **env)
        assert ended.code == 0, ended.output
        assert "sales" in shop.ran
        assert shop.pointer("prod", "state") is None
    change(shop, "codes_used", "select 1 / 0 as code")
    assert shop.step("build").code == 1
    assert shop.pointer("prod", "state") is None
    assert shop.pointer("prod", "latest-success") is not None


def test_a_selection_of_every_node_is_a_complete_build(shop: Shop) -> None:
    ended = shop.step("build", "--select", "*")
    assert ended.code == 0, ended.output
    assert shop.ran == EVERYTHING
    assert shop.pointer("prod", "state") is not None


def test_what_a_default_selector_means_is_a_complete_build(shop: Shop) -> None:
    (shop.project / "selectors.yml").write_text(
        "selectors: [{name: most, default: true, definition: {method: fqn, value: '*', exclude: ['codes_used']}}]"
    )
    change(shop, "codes_used", "select 1 / 0 as code")  # nobody builds it
    refused = shop.step("build", "--select", "state:modified+", "--state", "prod")
    assert refused.code == 2
    assert "dbt build without a selection, or with one of every node" in refused.last_line
    assert shop.step("build", "--select", "orders").code == 0
    assert shop.pointer("prod", "state") is None
    assert shop.step("build").code == 0
    assert "codes_used" not in shop.ran
    state = shop.pointer("prod", "state")
    assert state is not None
    assert state["run"] == str(shop.folder.relative_to(shop.runner.artifacts))
    change(shop, "sales", "select person, 1 as changed from {{ ref('paid') }}")
    ended = shop.step("build", "--select", "state:modified+", "--state", "prod")
    assert ended.code == 0, ended.output
    assert "sales" in shop.ran
    assert "orders" not in shop.ran


def selected(shop: Shop, select: str) -> set[str]:
    """Models that a selection by the state of prod means now."""
    ended = shop.runner.run("ls", "--select", select, "--state", "prod", "--resource-type", "model", "--quiet")
    assert ended.code == 0, ended.output
    return {line.rpartition(".")[2] for line in ended.output.splitlines() if line.startswith("shop.")}


def test_a_build_that_was_resumed_is_a_complete_one(shop: Shop) -> None:
    assert shop.step("source", "freshness").code == 0
    seen = (shop.folder / "sources.json").read_text()
    rename = "alter table shop_raw.{} rename to {}"
    for table in ("orders", "people"):
        shop.database.query(rename.format(table, f"{table}_gone"))
    assert shop.step("build").code == 1
    assert shop.pointer("prod", "state") is None
    assert selected(shop, "result:error") == {"orders"}
    assert selected(shop, "result:skipped") == {"people", "sales"}  # the unit test of people failed

    # A try that fails again: what is good by now, in whichever try, is told apart from what is not.
    shop.database.query(rename.format("people_gone", "people"))
    ended = shop.retry("build")
    assert ended.code == 1
    assert "going on from there" in ended.output
    assert "people" in shop.ran
    assert "codes" not in shop.ran
    assert shop.pointer("prod", "state") is None
    assert selected(shop, "result:error") == {"orders"}
    assert selected(shop, "result:skipped") == {"sales"}
    assert selected(shop, "result:success") == {"people", "codes_used"}

    # A try that is stopped before it reaches what had failed does not make it good.
    good = (shop.project / "models/orders.sql").read_text()
    change(shop, "orders", "select 1 as id, 7 as person from pg_sleep(600)")
    process = shop.start_retry("build")
    asleep = "select count(*) from pg_stat_activity where usename = 'dbt' and wait_event = 'PgSleep'"
    wait_for(lambda: shop.database.query(asleep, superuser=True) == [(1,)])
    process.terminate()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 4, output
    assert shop.pointer("prod", "latest-results") == shop.pointer("prod", "latest")
    assert selected(shop, "result:error+") == {"orders", "paid", "sales"}

    change(shop, "orders", good)
    shop.database.query(rename.format("orders_gone", "orders"))
    ended = shop.retry("build")
    assert ended.code == 0, ended.output
    assert shop.ran == {"orders", "sales", "unique_orders_id", "relationships_sales_person__id__ref_people_"}
    state = shop.pointer("prod", "state")
    assert state is not None
    assert state["run"] == str(shop.folder.relative_to(shop.runner.artifacts))
    assert state["run"].endswith("/try-4")
    assert json.loads((shop.runner.artifacts / state["sources"]).read_text()) == json.loads(seen)
    results = json.loads((shop.runner.artifacts / state["run_results"]).read_text())["results"]
    assert {result["unique_id"] for result in results} == {node["unique_id"] for node in shop.nodes}
    assert selected(shop, "result:error+") == set()
    assert selected(shop, "state:modified+") == set()


def test_a_build_whose_hook_alone_had_failed_is_a_complete_one(shop: Shop) -> None:
    project = shop.project / "dbt_project.yml"
    project.write_text(project.read_text() + "\non-run-end: select 1 / (select count(*) from shop_raw.ready)\n")
    shop.database.query("create table shop_raw.ready (x int)")
    assert shop.step("build").code == 1
    assert shop.pointer("prod", "state") is None
    shop.database.query("insert into shop_raw.ready values (1)")
    ended = shop.retry("build")
    assert ended.code == 0, ended.output
    assert not shop.ran & EVERYTHING
    state = shop.pointer("prod", "state")
    assert state is not None
    results = json.loads((shop.runner.artifacts / state["run_results"]).read_text())["results"]
    assert {result["unique_id"] for result in results} >= {
        node["unique_id"] for node in shop.nodes if node["name"] in EVERYTHING
    }


def test_only_what_changed_is_built_and_reads_productions_tables(shop: Shop) -> None:
    assert shop.step("build").code == 0
    change(shop, "sales", "select person, count(*) as orders, 1 as changed from {{ ref('paid') }} group by person")
    listed = shop.step("ls", "--select", "state:modified+", "--state", "prod", "--resource-type", "model", "--quiet")
    assert "shop.sales" in listed.output
    ended = shop.step(
        "build", "--target", "ci", "--select", "state:modified+", "--defer", "--state", "prod", "--favor-state"
    )
    assert ended.code == 0, ended.output
    assert shop.ran == {"sales", "relationships_sales_person__id__ref_people_"}
    tables = shop.database.query("select table_name from information_schema.tables where table_schema = 'shop_ci'")
    assert tables == [("sales",)]
    assert shop.database.query("select changed from shop_ci.sales") == [(1,)]
    compiled = (shop.runner.folder / "scratch/podbt/target/run/shop/models/sales.sql").read_text()
    assert '"shop_prod"."orders"' in compiled
    assert shop.pointer("ci", "state") is None


def test_nothing_changed_is_nothing_to_do(shop: Shop) -> None:
    assert shop.step("build").code == 0
    arguments = ["build", "--select", "state:modified+", "--state", "prod"]
    assert shop.step(*arguments).code == 7
    assert shop.step(*arguments, PODBT_ALLOW_EMPTY="1").code == 0
    assert shop.record["status"] == "skipped"
    assert shop.record["exit_reason"] == "nothing_to_do"


def test_what_failed_since_is_built_again(shop: Shop) -> None:
    assert shop.step("build").code == 0
    good = (shop.project / "models/orders.sql").read_text()
    change(shop, "orders", "select 1 / 0 as id, 7 as person")
    assert shop.step("build").code == 1
    assert shop.step("source", "freshness").code == 0
    change(shop, "orders", good)
    ended = shop.step("build", "--select", "result:error+", "--state", "prod")
    assert ended.code == 0, ended.output
    assert shop.ran == {"orders", "sales", "unique_orders_id", "relationships_sales_person__id__ref_people_"}


def test_what_has_newer_sources_is_built_again(shop: Shop) -> None:
    shop.age("orders", 2)
    shop.age("people", 2)
    assert shop.step("source", "freshness").code == 0
    assert shop.step("build").code == 0
    arguments = ["build", "--select", "source_status:fresher+", "--state", "prod"]
    assert shop.step(*arguments).code == 7
    shop.age("people", 1)
    ended = shop.step(*arguments)
    assert ended.code == 0, ended.output
    people = {"people", "people_history", "unique_people_id", "people_keep_their_ids"}
    assert shop.ran == {*people, "relationships_sales_person__id__ref_people_"}
    # The current age may also come from an earlier step of the same DAG run.
    shop.age("orders", 1)
    assert shop.step("source", "freshness", run_id="together").code == 0
    ended = shop.step(*arguments, run_id="together")
    assert ended.code == 0, ended.output
    assert {"orders", "people"} <= shop.ran
    assert "codes" not in shop.ran


def test_a_freshness_after_the_build_is_not_what_the_build_saw(shop: Shop) -> None:
    assert shop.step("source", "freshness").code == 0
    seen = (shop.folder / "sources.json").read_text()
    assert shop.step("build").code == 0
    state = shop.pointer("prod", "state")
    assert shop.step("source", "freshness").code == 0
    assert shop.pointer("prod", "state") == state
    assert state is not None
    assert json.loads((shop.runner.artifacts / state["sources"]).read_text()) == json.loads(seen)


MISSING = [
    pytest.param("state:modified+", "prod", "once a complete build on target 'prod' succeeded (dbt build", id="state"),
    pytest.param("result:error+", "prod", "once a run on target 'prod' has ended", id="results"),
    pytest.param("source_status:fresher+", "prod", "lacks sources.json", id="sources"),
    pytest.param("codes", "prod:latest-success", "once a run on target 'prod' succeeded", id="latest success"),
    pytest.param("codes", "prod:yesterday", "is no name of a state", id="no such kind"),
]


@pytest.mark.parametrize(("select", "state", "said"), MISSING)
def test_a_missing_state_is_one_clear_line(shop: Shop, select: str, state: str, said: str) -> None:
    ended = shop.step("build", "--select", select, "--state", state)
    assert ended.code == 2
    assert said in ended.last_line
    assert len(ended.output.strip().splitlines()) == 1


def test_without_a_state_everything_by_choice(shop: Shop) -> None:
    arguments = ["build", "--target", "ci", "--select", "state:modified+", "--defer", "--state", "prod"]
    ended = shop.step(*arguments, PODBT_ON_MISSING_STATE="full")
    assert ended.code == 0, ended.output
    assert "State 'prod' has no manifest.json yet: running all" in ended.output
    assert shop.ran == EVERYTHING
    assert shop.pointer("ci", "state") is not None


def test_a_project_that_is_never_built_whole_has_its_latest_success(shop: Shop) -> None:
    assert shop.step("build", "--select", "+codes_used").code == 0
    change(shop, "codes_used", "select code, 1 as changed from {{ ref('codes') }}")
    ended = shop.step(
        "build", "--target", "ci", "--select", "state:modified", "--defer", "--state", "prod:latest-success"
    )
    assert ended.code == 0, ended.output
    assert shop.ran == {"codes_used"}


def test_a_path_is_still_dbts_own(shop: Shop, tmp_path: Path) -> None:
    assert shop.step("build", "--select", "codes").code == 0
    (tmp_path / "mine").mkdir()
    manifest = shop.runner.artifacts / shop.record["manifest"]
    (tmp_path / "mine/manifest.json").write_bytes(manifest.read_bytes())
    change(shop, "codes_used", "select code, 1 as changed from {{ ref('codes') }}")
    listed = shop.step("ls", "--select", "state:modified", "--state", str(tmp_path / "mine"), "--quiet")
    assert "shop.codes_used" in listed.output


def test_without_a_store_there_are_no_names(shop: Shop) -> None:
    shop.runner.env["PODBT_ARTIFACTS"] = ""
    ended = shop.runner.run("ls", "--state", "prod")
    assert ended.code == 2
    assert "is kept in the artifact store, and none is mounted" in ended.last_line
