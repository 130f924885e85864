-- A patient's entries add up to the balance the source keeps for them.
with entries as (
    select
        patient_id,
        sum(entry_amount) as entry_amount
    from {{ ref('fct_ledger_entries') }}
    group by patient_id
)

select
    patients.patient_id,
    patients.estimated_balance_amount,
    coalesce(entries.entry_amount, 0) as entry_amount
from {{ ref('stg_opendental__patients') }} as patients
left join entries on patients.patient_id = entries.patient_id
where patients.estimated_balance_amount <> coalesce(entries.entry_amount, 0)
