"""The lineage of real runs, as a server gets it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.collector import Collector, collector
from tests.support.openlineage import check
from tests.support.postgres import PASSWORD, Server
from tests.support.runner import Runner
from tests.support.tiny import write_project
from tests.support.waiting import wait_for

pytestmark = pytest.mark.postgres

MODELS_YML = """\
version: 2
sources:
  - name: raw
    schema: raw_shop
    tables:
      - name: orders
        columns: [{name: id, data_type: integer}, {name: customer}, {name: amount}]
models:
  - name: stg_orders
    description: One row an order. Not {{ env_var('SHOP_TOKEN') }}.
    config: {meta: {owner: sales, token: "{{ env_var('SHOP_TOKEN') }}"}, tags: [nightly]}
    columns:
      - name: id
        description: Of the order.
        data_type: integer
        data_tests: [unique, not_null]
      - name: amount
        data_tests:
          - accepted_values: {name: warned, arguments: {values: [1], quote: false}, config: {severity: warn}}
  - name: divided
    description: Fails.
"""
FILES = {
    "models/all.yml": MODELS_YML,
    "models/stg_orders.sql": "with source as (select * from {{ source('raw', 'orders') }}) "
    "select id, customer, amount as amount from source",
    "models/kept.sql": "{{ config(materialized='ephemeral') }} select id, amount from {{ ref('stg_orders') }}",
    "models/totals.sql": "select k.id, c.name as label, k.amount from {{ ref('kept') }} k "
    "left join {{ ref('codes') }} c on c.id = k.id",
    "models/divided.sql": "select 1 / 0 as id, '{{ ref('totals') }}' as t",
    "models/never.sql": "select * from {{ ref('divided') }}",
    "seeds/codes.csv": "id,name\n1,one\n2,two\n",
    "snapshots/kept.sql": "{% snapshot kept_orders %}{{ config(schema='tiny', strategy='check', unique_key='id', "
    "check_cols='all') }} select id from {{ ref('stg_orders') }}{% endsnapshot %}",
    "tests/few.sql": "-- {{ env_var('SHOP_TOKEN') }}\nselect * from {{ ref('totals') }} where id > 100",
}
ORDERS = "create schema if not exists raw_shop; drop table if exists raw_shop.orders cascade; "
ORDERS += "create table raw_shop.orders as select * from (values (1, 'a', 1), (2, 'b', 2)) as o (id, customer, amount)"
GENERIC = ["test.tiny.warned", "test.tiny.unique_stg_orders_id", "test.tiny.not_null_stg_orders_id"]
TOKEN = "tok3n-0f-the-shop"
KEY = "k3y-0f-the-server"
PARENT = {
    "parent": {
        "run": {"runId": "01900000-0000-7000-8000-000000000001"},
        "job": {"namespace": "air://prod", "name": "d.t"},
        "root": {
            "run": {"runId": "01900000-0000-7000-8000-000000000002"},
            "job": {"namespace": "air://prod", "name": "d"},
        },
    }
}


@pytest.fixture
def server() -> Iterator[Collector]:
    with collector() as running:
        yield running


@pytest.fixture
def shop(runner: Runner, postgres: Server) -> Runner:
    del runner.env["PODBT_BAKED"]
    write_project(runner.folder / "project", FILES)
    postgres.query("drop schema if exists tiny cascade")
    postgres.query(ORDERS)
    runner.env |= {"SHOP_TOKEN": TOKEN, "PODBT_DAG_ID": "d", "PODBT_RUN_ID": "r", "PODBT_TASK_ID": "t"}
    return runner


def told(server: Collector, job: str) -> dict[str, dict[str, Any]]:
    """The events of one job by their types. dbt gives generic tests a hash behind their names."""
    return {event["eventType"]: event for event in server.events() if named(event) == job}


def named(event: dict[str, Any]) -> str:
    name = str(event["job"]["name"])
    return ".".join(name.split(".")[:3]) if name.startswith("test.") else name


def parent_of(run: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in run["facets"]["parent"].items() if not key.startswith("_")}


def columns_of(dataset: dict[str, Any]) -> dict[str, set[tuple[str, str]]]:
    """What each column comes from."""
    fields = dataset["facets"]["columnLineage"]["fields"]
    return {name: {(one["name"], one["field"]) for one in given["inputFields"]} for name, given in fields.items()}


@pytest.fixture
def asked(shop: Runner, server: Collector) -> Runner:
    """With a server that is to be told."""
    shop.env |= {"OPENLINEAGE_URL": server.url, "OPENLINEAGE_API_KEY": KEY, "OPENLINEAGE_NAMESPACE": "shop-prod"}
    return shop


def test_a_build_is_told_whole(asked: Runner, server: Collector, postgres: Server) -> None:
    ended = asked.run_with({"OPENLINEAGE_CONTEXT": json.dumps(PARENT)}, "build")
    assert ended.code == 1, ended.output
    assert "ineage" not in ended.output  # all is well with it
    events = server.events()
    for event in events:
        check(event)
    assert {(event["job"]["namespace"], named(event)) for event in events} == {
        ("shop-prod", name)
        for name in (
            "d.t.dbt.build", "seed.tiny.codes", "model.tiny.stg_orders", "model.tiny.totals", "model.tiny.divided",
            "model.tiny.never", "snapshot.tiny.kept_orders", "test.tiny.few", *GENERIC,
        )
    }  # fmt: skip
    types = {named(event): list(told(server, named(event))) for event in events}
    assert types["d.t.dbt.build"] == ["START", "FAIL"]
    assert types["model.tiny.divided"] == ["START", "FAIL"]
    assert types["model.tiny.never"][-1] == "ABORT"
    assert types["model.tiny.totals"] == types["test.tiny.few"] == types[GENERIC[0]] == ["START", "COMPLETE"]
    # One run a job, below the command's, which is below Airflow's task.
    command = told(server, "d.t.dbt.build")["START"]["run"]
    assert parent_of(command) == {**PARENT["parent"]}
    for event in events:
        started = told(server, named(event))["START"]
        assert event["run"]["runId"] == started["run"]["runId"]
        if event["job"]["name"] != "d.t.dbt.build":
            assert parent_of(event["run"]) == {
                "run": {"runId": command["runId"]},
                "job": {"namespace": "shop-prod", "name": "d.t.dbt.build"},
                "root": PARENT["parent"]["root"],
            }
    facets = command["facets"]
    assert facets["processing_engine"]["name"] == "dbt"
    assert facets["dbt_run"]["invocation_id"] == asked.record()["invocation_id"]
    failed = told(server, "d.t.dbt.build")["FAIL"]["run"]["facets"]["errorMessage"]["message"]
    assert failed == asked.record()["error"]
    assert "division by zero" in told(server, "model.tiny.divided")["FAIL"]["run"]["facets"]["errorMessage"]["message"]


def test_datasets_columns_and_rows(asked: Runner, server: Collector, postgres: Server) -> None:
    assert asked.run("build", "--exclude", "divided+").code == 0
    database = f"postgres://127.0.0.1:{postgres.port}"
    read = told(server, "model.tiny.stg_orders")["COMPLETE"]
    (source,), (written,) = read["inputs"], read["outputs"]
    assert (source["namespace"], source["name"]) == (database, "warehouse.raw_shop.orders")
    assert (written["namespace"], written["name"]) == (database, "warehouse.tiny.stg_orders")
    fields = {field["name"]: field for field in written["facets"]["schema"]["fields"]}
    assert (fields["id"]["type"], fields["id"]["description"]) == ("integer", "Of the order.")
    assert written["facets"]["ownership"]["owners"] == [{"name": "sales"}]
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == 2
    # Through `select *` of a common table expression, since the only table that is read declares the columns.
    assert columns_of(written) == {name: {("warehouse.raw_shop.orders", name)} for name in ("id", "customer", "amount")}
    # An ephemeral model is no table: what it reads is read.
    joined = told(server, "model.tiny.totals")["COMPLETE"]
    assert [one["name"] for one in joined["inputs"]] == ["warehouse.tiny.stg_orders", "warehouse.tiny.codes"]
    columns = columns_of(joined["outputs"][0])
    assert columns["label"] == {("warehouse.tiny.codes", "name")}
    assert {table for one in columns.values() for table, _ in one} <= {one["name"] for one in joined["inputs"]}


def test_tests_tell_what_they_found(asked: Runner, server: Collector) -> None:
    assert asked.run("build", "--exclude", "divided+").code == 0
    warned = told(server, "test.tiny.warned")["COMPLETE"]
    assert warned["outputs"] == []
    (table,) = warned["inputs"]
    (assertion,) = table["facets"]["dataQualityAssertions"]["assertions"]
    assert table["name"] == "warehouse.tiny.stg_orders"
    assert {key: assertion[key] for key in ("assertion", "column", "success", "severity", "actual")} == {
        "assertion": "accepted_values", "column": "amount", "success": False, "severity": "warn", "actual": "1",
    }  # fmt: skip
    single = told(server, "test.tiny.few")["COMPLETE"]["run"]["facets"]["test"]["tests"]
    assert [(one["status"], one["type"]) for one in single] == [("pass", "singular")]


def test_secrets_are_nowhere(asked: Runner, server: Collector) -> None:
    ended = asked.run("build")
    sent = server.text
    assert "One row an order. Not *****" in sent
    for secret in (TOKEN, PASSWORD):
        assert secret not in sent
    assert {request.headers["Authorization"] for request in server.requests} == {f"Bearer {KEY}"}
    left = [file for file in asked.folder.rglob("*") if file.is_file() and KEY.encode() in file.read_bytes()]
    assert left == []
    assert KEY not in ended.output
    assert KEY not in sent.replace(f"Bearer {KEY}", "")


@pytest.mark.parametrize("status", [500, 401])
def test_a_server_that_answers_errors_costs_one_line(asked: Runner, server: Collector, status: int) -> None:
    server.status = status
    ended = asked.run("build", "--exclude", "divided+")
    assert ended.code == 0, ended.output
    said = [line for line in ended.output.splitlines() if "ineage" in line]
    assert len(said) == 1
    assert f"({server.url}/): it answers {status}" in said[0]
    assert len(server.requests) == (3 if status == 500 else 1)  # then it is left alone
    assert asked.record()["exit_reason"] == "warnings"


def test_a_server_that_is_away_costs_one_line(asked: Runner) -> None:
    with collector() as gone:
        pass
    ended = asked.run_with({"OPENLINEAGE_URL": gone.url}, "build", "--exclude", "divided+")
    assert ended.code == 0, ended.output
    assert sum("Lineage is not complete" in line for line in ended.output.splitlines()) == 1
    assert "cannot be reached (ConnectionError)" in ended.output


def test_a_server_that_hangs_keeps_no_run(asked: Runner, server: Collector) -> None:
    server.hangs = True
    ended = asked.run("build", "--exclude", "divided+")
    assert ended.code == 0, ended.output
    assert sum("Lineage is not complete" in line for line in ended.output.splitlines()) == 1
    assert asked.record()["counts"]["total"] == 8
    assert server.requests  # it was asked, and has not answered to this day


def test_an_address_that_is_none_is_refused(asked: Runner) -> None:
    ended = asked.run_with({"OPENLINEAGE_URL": "https://user:geheim@host"}, "build")
    assert ended.code == 2
    assert "OPENLINEAGE_URL is no address" in ended.last_line
    assert "geheim" not in ended.output


@pytest.mark.parametrize("words", [["compile"], ["source", "freshness"], ["run-operation", "no_macro"]], ids=" ".join)
def test_commands_that_build_nothing_have_no_lineage(asked: Runner, server: Collector, words: list[str]) -> None:
    asked.run(*words)
    assert server.requests == []


def test_a_run_that_is_stopped_is_told_as_aborted(asked: Runner, server: Collector, postgres: Server) -> None:
    (asked.folder / "project/models/totals.sql").write_text("select 1 as id, pg_sleep(600) is null as s")
    process = asked.start("run", "--select", "totals")
    wait_for(lambda: "START" in told(server, "model.tiny.totals"))
    sleeping = "select 1 from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()"
    wait_for(lambda: bool(postgres.query(sleeping)))
    process.terminate()
    process.communicate(timeout=300)
    assert list(told(server, "model.tiny.totals"))[-1] == "ABORT"
    assert list(told(server, "d.t.dbt.run")) == ["START", "ABORT"]
