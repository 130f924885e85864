"""All that `dbt build` builds, checks or passes by is counted as dbt counts it, also where a try goes on."""

import json
import re
from pathlib import Path

import pytest
from tests.support.postgres import Server
from tests.support.releases import RELEASE
from tests.support.runner import Runner
from tests.support.tiny import write_project

pytestmark = pytest.mark.postgres

PROPERTIES = """\
models:
  - name: orders
    latest_version: 2
    versions: [{v: 1}, {v: 2}]
    columns: [{name: id, data_tests: [unique]}]
  - name: spine
    time_spine: {standard_granularity_column: date_day}
    columns: [{name: date_day, granularity: day}]
unit_tests:
  - name: adds
    model: orders
    given: [{input: ref('codes'), rows: [{id: 5}]}]
    expect: {rows: [{id: 5, amount: 10}]}
exposures:
  - {name: dashboard, type: dashboard, owner: {email: who@example.com}, depends_on: [ref('report')]}
semantic_models:
  - name: sold
    model: ref('orders')
    defaults: {agg_time_dimension: at}
    entities: [{name: id, type: primary}]
    dimensions: [{name: at, type: time, type_params: {time_granularity: day}}]
    measures: [{name: amount, agg: sum}]
metrics:
  - {name: total, label: Total, type: simple, type_params: {measure: amount}}
saved_queries:
  - {name: by_day, query_params: {metrics: [total], group_by: ["TimeDimension('id__at', 'day')"]}}
"""
ORDERS = "select id, 10 as amount, cast('2026-01-01' as timestamp) as at from {{ ref('codes') }}"
FILES = {
    "models/orders_v1.sql": ORDERS,
    "models/orders_v2.sql": ORDERS,
    "models/inner.sql": "{{ config(materialized='ephemeral') }} select * from {{ ref('orders') }}",
    "models/report.sql": "select 1 / (select count(*) from kinds.gate) as whole from {{ ref('inner') }}",
    "models/spine.sql": "select cast('2026-01-01' as date) as date_day",
    "models/all.yml": PROPERTIES,
    "seeds/codes.csv": "id\n1\n",
    "snapshots/kept.yml": (
        "snapshots:\n"
        "  - {name: kept, relation: ref('codes'), config: {unique_key: id, strategy: check, check_cols: all}}\n"
    ),
}
FUNCTION = {
    "functions/cents.sql": "select amount_in * 100",
    "functions/all.yml": (
        "functions:\n"
        "  - {name: cents, arguments: [{name: amount_in, data_type: integer}], returns: {data_type: integer}}\n"
    ),
}
HAS_FUNCTIONS = RELEASE >= (1, 11)
HAS_EXPOSURES = RELEASE >= (1, 10)
"""Since then an exposure is a node of a build, and what is passed by has a status of its own."""


@pytest.fixture
def kinds(runner: Runner, postgres: Server) -> Runner:
    del runner.env["PODBT_BAKED"]
    write_project(runner.folder / "project", FILES | (FUNCTION if HAS_FUNCTIONS else {}))
    postgres.query("drop schema if exists tiny, kinds cascade")
    postgres.query("create schema kinds")
    postgres.query("create table kinds.gate (id int)")
    runner.env |= {"PODBT_DAG_ID": "d", "PODBT_RUN_ID": "r", "PODBT_TASK_ID": "t"}
    return runner


def test_each_kind_is_counted_as_dbt_does(kinds: Runner, postgres: Server) -> None:
    ended = kinds.run("build")
    assert ended.code == 1, ended.output
    first = kinds.artifacts / "runs/d/r/t/try-1"
    assert counts(first) == expected({"error": 1, "no-op": 1, "pass": 4, "skipped": 1, "success": 5})
    passed = counts(first)["pass"] + counts(first)["success"]
    others = {"SKIP": 1, "NO-OP": 1} if HAS_EXPOSURES else {}
    assert said_by_dbt(first) == {"PASS": passed, "ERROR": 1, **others, "TOTAL": counts(first)["total"]}
    labels = ["orders.v1", "orders.v2", "unit_test adds_v1", "unit_test adds_v2", "snapshot kept"]
    for label in [*labels, *(["function cents"] if HAS_FUNCTIONS else [])]:
        assert re.search(rf"ok +[\d.]+s  {label}(?:  \(|\n)", ended.output), label
    postgres.query("insert into kinds.gate values (1)")
    ended = kinds.run_with({"PODBT_TRY_NUMBER": "2"}, "build")
    assert ended.code == 0, ended.output
    second = kinds.artifacts / "runs/d/r/t/try-2"
    assert counts(second) == expected({"no-op": 2, "pass": 4, "success": 6})
    ran = [json.loads(line) for line in (second / "nodes.jsonl").read_text().splitlines()]
    assert {node["name"] for node in ran if node.get("from_try") is None} == {
        "report", *(["dashboard"] if HAS_EXPOSURES else []),
    }  # fmt: skip
    assert (kinds.artifacts / "targets/dev/state.json").exists()


def expected(nodes: dict[str, int]) -> dict[str, int]:
    """The counts of a release that knows exposures and no functions, as this release has them."""
    own = dict(nodes)
    if HAS_FUNCTIONS:
        own["success"] += 1
    if not HAS_EXPOSURES:  # and a saved query is a success
        own["success"] += 1
        del own["no-op"]
        own.pop("skipped", None)
    return {"total": sum(own.values()), **own}


def counts(folder: Path) -> dict[str, int]:
    return dict(json.loads((folder / "run.json").read_text())["counts"])


def said_by_dbt(folder: Path) -> dict[str, int]:
    """dbt's own totals, but for those that are zero."""
    log = (folder / "dbt.log").read_text()
    (line,) = re.findall(r"Done\. (PASS=.*)", log)
    return {name: int(count) for name, count in re.findall(r"([A-Z-]+)=(\d+)", line) if int(count)}
