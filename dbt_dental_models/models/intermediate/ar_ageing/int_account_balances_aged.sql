-- One line a family: the balance, and what is open by age. A family in credit has a negative balance, nothing open.
with charges as (
    select
        guarantor_id,
        sum(open_amount) as open_amount,
        sum(open_amount) filter (where ageing_bucket = '0_30') as open_0_30_amount,
        sum(open_amount) filter (where ageing_bucket = '31_60') as open_31_60_amount,
        sum(open_amount) filter (where ageing_bucket = '61_90') as open_61_90_amount,
        sum(open_amount) filter (where ageing_bucket = 'over_90') as open_over_90_amount,
        min(entry_on) filter (where open_amount > 0) as oldest_open_on
    from {{ ref('int_charges_aged') }}
    group by guarantor_id
),

entries as (
    select * from {{ ref('int_ledger_entries_unioned') }}
),

patients as (
    select * from {{ ref('stg_opendental__patients') }}
),

balances as (
    select
        coalesce(patients.guarantor_id, entries.patient_id) as guarantor_id,
        sum(entries.entry_amount) as balance_amount,
        max(entries.entry_on) filter (where entries.entry_type = 'patient_payment') as last_patient_payment_on
    from entries
    left join patients on entries.patient_id = patients.patient_id
    group by coalesce(patients.guarantor_id, entries.patient_id)
),

pending as (
    select
        patients.guarantor_id,
        sum(lines.estimated_amount + lines.write_off_amount) as pending_amount
    from {{ ref('stg_opendental__claim_procedures') }} as lines
    inner join patients on lines.patient_id = patients.patient_id
    where lines.claim_procedure_status_code = 0
    group by patients.guarantor_id
)

select
    balances.guarantor_id,
    balances.balance_amount::numeric(14, 2) as balance_amount,
    least(balances.balance_amount, 0)::numeric(14, 2) as credit_amount,
    coalesce(charges.open_0_30_amount, 0)::numeric(14, 2) as open_0_30_amount,
    coalesce(charges.open_31_60_amount, 0)::numeric(14, 2) as open_31_60_amount,
    coalesce(charges.open_61_90_amount, 0)::numeric(14, 2) as open_61_90_amount,
    coalesce(charges.open_over_90_amount, 0)::numeric(14, 2) as open_over_90_amount,
    coalesce(pending.pending_amount, 0)::numeric(14, 2) as insurance_pending_amount,
    charges.oldest_open_on,
    balances.last_patient_payment_on
from balances
left join charges on balances.guarantor_id = charges.guarantor_id
left join pending on balances.guarantor_id = pending.guarantor_id
