"""The project on a server: it builds, it catches faults, and incremental equals full."""

import datetime as dt
from typing import Any

import pytest
from tests.support.dental import AS_OF, Dbt, at, generate, load
from tests.support.postgres import PASSWORD, Server

pytestmark = pytest.mark.postgres

LAYERS = ("analytics_intermediate", "analytics_marts")


def test_everything_passes_on_a_fresh_database(built: Any, manifest: Any) -> None:
    statuses = {result.node.unique_id: str(result.status) for result in built.results}
    assert set(statuses.values()) <= {"success", "pass", "no-op"}
    expected = {key for key in manifest.nodes if not key.startswith("analysis.")} | set(manifest.unit_tests)
    assert expected <= set(statuses)


def test_smoke_test_runs_on_a_fresh_database(fresh: Server, dbt: Dbt) -> None:
    load(fresh, "--patients", "60", "--as-of", AS_OF.isoformat())
    dbt.passes("build", "--selector", "smoke_test", *at(AS_OF))


def test_freshness_passes_after_a_load_and_fails_when_the_sync_stops(fresh: Server, dbt: Dbt) -> None:
    today = dt.datetime.now(dt.UTC).date()
    load(fresh, "--patients", "60", "--as-of", today.isoformat())
    assert set(dbt.results("source", "freshness").values()) == {"pass"}
    load(fresh, "--patients", "60", "--as-of", (today - dt.timedelta(days=20)).isoformat())
    assert set(dbt.results("source", "freshness").values()) == {"error"}


def test_docs_are_complete(copy: Server, dbt: Dbt, manifest: Any) -> None:
    outcome = dbt.invoke("docs", "generate", "--no-compile")
    assert outcome.success, outcome.exception
    catalog = outcome.result
    assert not catalog.errors
    expected = {key for key in manifest.nodes if key.startswith(("model.", "seed.", "snapshot."))}
    assert set(catalog.nodes) == expected
    assert set(catalog.sources) == set(manifest.sources)
    for unique_id, table in catalog.nodes.items():
        if unique_id.startswith("model.") and ".marts." in ".".join(manifest.nodes[unique_id].fqn):
            assert list(table.columns) == list(manifest.nodes[unique_id].columns), unique_id


def test_buckets_equal_the_sources_own_ageing(copy: Server) -> None:
    """Two programs age the same accounts: the source's columns and the project's."""
    differences = copy.query("""
        select p."PatNum" from raw.patient as p
        left join analytics_marts.fct_account_balances as b on b.guarantor_id = p."PatNum"
        where p."PatNum" = p."Guarantor" and (
            p."Bal_0_30"::numeric(14, 2), p."Bal_31_60"::numeric(14, 2), p."Bal_61_90"::numeric(14, 2),
            p."BalOver90"::numeric(14, 2), p."InsEst"::numeric(14, 2)
        ) is distinct from (
            coalesce(b.open_0_30_amount + b.credit_amount, 0), coalesce(b.open_31_60_amount, 0),
            coalesce(b.open_61_90_amount, 0), coalesce(b.open_over_90_amount, 0),
            coalesce(b.insurance_pending_amount, p."InsEst"::numeric(14, 2))
        )
    """)
    assert differences == []


def test_a_fault_in_the_source_stops_the_build(copy: Server, dbt: Dbt) -> None:
    copy.query('update raw.paysplit set "SplitAmt" = "SplitAmt" + 1 where "SplitNum" = 5')
    selection = ("stg_opendental__payments", "stg_opendental__payment_splits", "int_payments_allocated")
    results = dbt.results("build", "--select", *selection, "--indirect-selection", "buildable", *at(AS_OF))
    statuses = {node.split(".")[2]: status for node, status in results.items()}
    assert statuses["payments_equal_their_splits"] == "fail"
    assert statuses["int_payments_allocated"] == "skipped"


def test_as_of_date_must_be_a_date(copy: Server, dbt: Dbt) -> None:
    outcome = dbt.invoke("compile", "--select", "dim_dates", "--vars", "as_of_date: 1 June")
    assert not outcome.success
    assert "Write it as YYYY-MM-DD" in str(outcome.exception)


def test_foreign_data_is_not_replaced(fresh: Server) -> None:
    fresh.query("create schema raw authorization dbt; create table raw.patient (id int)")
    ended = generate("--patients", "1", "--as-of", "2026-01-15", port=fresh.port, password=PASSWORD)
    assert ended.returncode == 2
    assert "raw holds 1 tables that demo_data did not write" in ended.stderr
    ended = generate("--advance-days", "1", port=fresh.port, password=PASSWORD)
    assert ended.returncode == 2
    assert "holds no demo data" in ended.stderr


def columns(server: Server, schema: str, table: str) -> str:
    names = server.query(f"""
        select column_name from information_schema.columns
        where table_schema = '{schema}' and table_name = '{table}' order by ordinal_position
    """)
    return ", ".join(f'"{name}"' for (name,) in names)


def tables(server: Server, schema: str) -> list[str]:
    return [
        name for (name,) in server.query(f"select tablename from pg_tables where schemaname = '{schema}' order by 1")
    ]


def changes(server: Server, table: str, key: str) -> tuple[int, int, int]:
    """Rows that came, went and changed between the first build and now."""
    old, new = f"before.{table}", f"analytics_marts.{table}"
    listed = columns(server, "analytics_marts", table)
    [(came, went, both)] = server.query(f"""
        select
            (select count(*) from {new} where {key} not in (select {key} from {old})),
            (select count(*) from {old} where {key} not in (select {key} from {new})),
            (select count(*) from (select {listed} from {new} except select {listed} from {old}) as changed
                where {key} in (select {key} from {old}))
    """)
    return came, went, both


def test_incremental_after_advanced_days_equals_full_refresh(copy: Server, dbt: Dbt, manifest: Any) -> None:
    incremental = {node.name: node.config.unique_key for node in manifest.nodes.values()
                   if node.resource_type == "model" and node.config.materialized == "incremental"}  # fmt: skip
    copy.query("create schema before")
    for table in incremental:
        copy.query(f"create table before.{table} as table analytics_marts.{table}")
    day = AS_OF
    everything = ("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    for step in (2, 12):
        load(copy, "--advance-days", str(step))
        day += dt.timedelta(days=step)
        dbt.passes(*everything, *at(day))
    # The days were no formality: in every table rows came, went and changed.
    for table, key in incremental.items():
        assert all(changes(copy, table, key)), f"{table}: {changes(copy, table, key)} came, went, changed"
    history = copy.query(
        "select count(*), count(*) filter (where is_current) from analytics_marts.dim_patients_history"
    )
    assert history[0][0] > history[0][1] > 0
    for schema in LAYERS:
        copy.query(f"alter schema {schema} rename to once_{schema}")
    dbt.passes("run", "--full-refresh", *at(day))
    for schema in LAYERS:
        assert tables(copy, schema) == tables(copy, f"once_{schema}")
        for table in tables(copy, schema):
            listed = columns(copy, schema, table)
            full, once = f"select {listed} from {schema}.{table}", f"select {listed} from once_{schema}.{table}"
            differing = copy.query(f"(({full}) except all ({once})) union all (({once}) except all ({full})) limit 5")
            assert differing == [], f"{schema}.{table}"
    # And what stands there now satisfies the reconciling tests, the source's own balances included.
    dbt.passes("test", "--select", "test_type:singular", "test_name:same_rows_as", *at(day))
