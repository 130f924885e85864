"""Faults planted one at a time, and the test of the project that each of them trips.

Each fault is planted in a transaction on the built database, the test's SQL as dbt compiled it is run, and the
transaction is rolled back.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.dental import empty
from tests.support.postgres import Server

pytestmark = pytest.mark.postgres

MARTS = "analytics_marts"
# What is done to the data -> the test that finds it.
FAULTS: dict[str, tuple[str, str]] = {
    "a patient replicated twice": (
        (
            "alter table raw.patient drop constraint patient_pkey;"
            ' insert into raw.patient select * from raw.patient where "PatNum" = 1'
        ),
        "unique:stg_opendental__patients.patient_id",
    ),
    "a payment that belongs to nobody": (
        'update raw.payment set "PatNum" = 0 where "PayNum" = 1',
        "not_null:stg_opendental__payments.patient_id",
    ),
    "a split of a payment that is gone": (
        'delete from raw.payment where "PayNum" = 1',
        "relationships:stg_opendental__payment_splits.payment_id",
    ),
    "a claim line whose claim is gone": (
        'delete from raw.claim where "ClaimNum" = 1',
        "relationships:stg_opendental__claim_procedures.claim_id",
    ),
    "a procedure with an unknown code": (
        'update raw.procedurelog set "CodeNum" = 9999 where "ProcNum" = 1',
        "relationships:stg_opendental__procedures.procedure_code_id",
    ),
    "an appointment of a patient who is gone": (
        'update raw.appointment set "PatNum" = 999999 where "AptNum" = 1',
        "relationships:stg_opendental__appointments.patient_id",
    ),
    "a benefit rule counted twice": (
        (
            "create table doubled as select * from analytics_intermediate.int_coverage_percents_resolved;"
            " insert into analytics_intermediate.int_coverage_percents_resolved select * from doubled"
        ),
        "unique_together:int_coverage_percents_resolved",
    ),
    "a split that lost a cent": (
        'update raw.paysplit set "SplitAmt" = "SplitAmt" - 0.01 where "SplitNum" = 1',
        "payments_equal_their_splits",
    ),
    "a payment without splits": (
        'delete from raw.paysplit where "PayNum" = 1',
        "payments_equal_their_splits",
    ),
    "a check entered with the wrong amount": (
        (
            'update raw.claimpayment set "CheckAmt" = "CheckAmt" + 10'
            ' where "ClaimPaymentNum" = (select min("ClaimPaymentNum") from raw.claimpayment)'
        ),
        "claim_payments_equal_their_lines",
    ),
    "insurance money without a check": (
        'update raw.claimproc set "ClaimPaymentNum" = 0 where "InsPayAmt" > 0',
        "claim_lines_paid_without_a_check",
    ),
    "a claim with a fee of its own": (
        'update raw.claim set "ClaimFee" = "ClaimFee" + 1 where "ClaimNum" = 1',
        "claims_equal_their_lines",
    ),
    "an answered claim without a date": (
        "update raw.claim set \"DateReceived\" = '0001-01-01' where \"ClaimStatus\" = 'R'",
        "claim_dates_match_status",
    ),
    "a bucket that took too much": (
        f"update {MARTS}.fct_account_balances set open_0_30_amount = open_0_30_amount + 5",
        "account_buckets_equal_balances",
    ),
    "money moved between buckets below zero": (
        (
            f"update {MARTS}.fct_account_balances set open_0_30_amount = open_0_30_amount - 9999,"
            " open_over_90_amount = open_over_90_amount + 9999"
        ),
        "account_buckets_equal_balances",
    ),
    "a clinic lost from the summary": (
        f"delete from {MARTS}.mart_ar_summary where clinic_key = 1",
        "ar_summary_equals_account_balances",
    ),
    "a balance that the source does not have": (
        'update raw.patient set "BalTotal" = "BalTotal" + 1 where "PatNum" = 1',
        "account_balances_equal_the_source",
    ),
    "a patient's entries that miss one": (
        f"delete from {MARTS}.fct_ledger_entries where ledger_entry_key = 'procedure-1'",
        "ledger_equals_patient_balances",
    ),
    "production counted twice": (
        f"update {MARTS}.mart_production_summary set production_amount = production_amount * 2",
        "production_equals_completed_procedures",
    ),
    "a completed procedure missing from production": (
        'update raw.procedurelog set "ProcFee" = "ProcFee" + 100 where "ProcStatus" = 2 and "ProcNum" = 1',
        "production_equals_completed_procedures",
    ),
    "a procedure balance that explains too much": (
        f"update {MARTS}.mart_procedure_balances set patient_paid_amount = patient_paid_amount + 1",
        "procedure_balances_equal_production",
    ),
    "a patient dismissed before being seated": (
        f"update {MARTS}.fct_appointments set dismissed_at = seated_at - interval '1 minute'",
        "appointment_times_in_order",
    ),
    "work completed in the future": (
        f"update {MARTS}.fct_procedures set completed_on = date '2999-01-01'",
        "completed_procedures_not_ahead_of_the_source",
    ),
    "a patient who moved without a new version": (
        'update raw.patient set "ClinicNum" = 3 - "ClinicNum" where "PatNum" = 1',
        "patient_history_current_equals_patients",
    ),
    "a provider hidden without a new version": (
        'update raw.provider set "IsHidden" = 1 - "IsHidden" where "ProvNum" = 1',
        "provider_history_current_equals_providers",
    ),
    "a fee raised without a new version": (
        'update raw.fee set "Amount" = "Amount" + 1 where "FeeNum" = 1',
        "fee_history_current_equals_fees",
    ),
    "two versions in force at once": (
        (
            f"insert into {MARTS}.dim_patients_history select 'twice', patient_id, guarantor_id, primary_provider_id,"
            " clinic_id, fee_schedule_id, billing_type_id, patient_status_code, 2, valid_from, valid_to, is_current"
            f" from {MARTS}.dim_patients_history where patient_id = 1"
        ),
        "patient_history_versions_do_not_overlap",
    ),
    "a discount typed as a charge": (
        f"update {MARTS}.fct_adjustments set is_against_type = true where adjustment_amount < 0",
        "adjustments_against_their_type",
    ),
    "a fact without its patient": (
        f"delete from {MARTS}.dim_patients where patient_id = 1",
        "relationships:fct_procedures.patient_id",
    ),
    **{
        f"a late row that {fact} missed": (
            f"delete from {MARTS}.{fact} where {key} = (select min({key}) from {MARTS}.{fact})",
            f"same_rows_as:{fact}",
        )
        for fact, key in {
            "fct_procedures": "procedure_id",
            "fct_claim_procedures": "claim_procedure_id",
            "fct_appointments": "appointment_id",
            "fct_payment_splits": "payment_split_id",
            "fct_ledger_entries": "ledger_entry_key",
            "fct_communications": "communication_id",
        }.items()
    },
    "a deleted message that stayed": (
        'delete from raw.commlog where "CommlogNum" = (select min("CommlogNum") from raw.commlog)',
        "same_rows_as:fct_communications",
    ),
    "a change that arrived after the look-back": (
        'update raw.claimproc set "WriteOff" = "WriteOff" + 1 where "ClaimProcNum" = 1',
        "same_rows_as:fct_claim_procedures",
    ),
}


def label(node: Any) -> str:
    metadata = getattr(node, "test_metadata", None)
    if not metadata:
        return str(node.name)
    model = node.attached_node.split(".")[2]
    return f"{metadata.name}:{model}.{node.column_name}" if node.column_name else f"{metadata.name}:{model}"


@pytest.fixture(scope="module")
def compiled(built: Any) -> dict[str, str]:
    """The SQL of every data test, as dbt ran it."""
    nodes = [result.node for result in built.results if result.node.resource_type == "test"]
    return {label(node): node.compiled_code for node in nodes}


@pytest.fixture(scope="module")
def database(built: Any, postgres: Server) -> Iterator[Any]:
    empty(postgres, template="built")
    connection = postgres.connect(superuser=False)
    connection.autocommit = False
    yield connection
    connection.close()


@contextmanager
def planted(connection: Any, fault: str) -> Iterator[Any]:
    """A cursor that sees the fault until the block ends."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(fault)
            yield cursor
        finally:
            connection.rollback()


def failures(cursor: Any, sql: str) -> int:
    cursor.execute(f"select count(*) from ({sql}) as failures")
    return int(cursor.fetchone()[0])


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_caught(fault: str, compiled: dict[str, str], database: Any) -> None:
    statement, test = FAULTS[fault]
    with planted(database, "select 1") as cursor:
        assert failures(cursor, compiled[test]) == 0
    with planted(database, statement) as cursor:
        assert failures(cursor, compiled[test]) > 0


def test_every_unknown_code_is_caught(compiled: dict[str, str], database: Any, project: Path) -> None:
    """A value that the vendor never had, in each coded column of each raw table."""
    tests = [test for test in compiled if test.startswith("accepted_values:stg_")]
    assert len(tests) >= 25
    for test in tests:
        model, _, column = test.removeprefix("accepted_values:").partition(".")
        sql = (project / "models" / "staging" / "opendental" / f"{model}.sql").read_text()
        [table] = re.findall(r"source\('opendental', '(\w+)'\)", sql)
        [raw] = re.findall(rf'"(\w+)".* as {column},', sql)
        name = f"data_type from information_schema.columns where table_schema = 'raw' and table_name = '{table}'"
        with planted(database, f"select {name} and column_name = '{raw}'") as cursor:
            value = "'zz'" if cursor.fetchone()[0] == "text" else "9999"
            cursor.execute(f'update raw."{table}" set "{raw}" = {value}')
            assert failures(cursor, compiled[test]) > 0, test


def test_every_reconciling_test_has_its_fault(manifest: Any) -> None:
    own = {node.name for node in manifest.nodes.values()
           if node.resource_type == "test" and not getattr(node, "test_metadata", None)}  # fmt: skip
    assert own <= {test for _, test in FAULTS.values()}
