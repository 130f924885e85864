-- Each charge of a family's account, what of it is open and how old it is. Credits pay the oldest charge first.
with entries as (
    select * from {{ ref('int_ledger_entries_unioned') }}
),

patients as (
    select * from {{ ref('stg_opendental__patients') }}
),

accounts as (
    select
        entries.ledger_entry_key,
        entries.entry_type,
        entries.patient_id,
        entries.entry_on,
        entries.entry_amount,
        coalesce(patients.guarantor_id, entries.patient_id) as guarantor_id
    from entries
    left join patients on entries.patient_id = patients.patient_id
),

credits as (
    select
        guarantor_id,
        -sum(entry_amount) as credit_amount
    from accounts
    where entry_amount < 0
    group by guarantor_id
),

charges as (
    select
        *,
        sum(entry_amount) over (
            partition by guarantor_id
            order by entry_on, ledger_entry_key
            rows between unbounded preceding and current row
        ) as charged_so_far
    from accounts
    where entry_amount > 0
),

opened as (
    select
        charges.*,
        greatest(
            least(charges.entry_amount, charges.charged_so_far - coalesce(credits.credit_amount, 0)), 0
        ) as open_amount,
        {{ age_in_days('charges.entry_on') }} as age_days
    from charges
    left join credits on charges.guarantor_id = credits.guarantor_id
)

select
    ledger_entry_key,
    entry_type,
    guarantor_id,
    patient_id,
    entry_on,
    entry_amount::numeric(14, 2) as charge_amount,
    open_amount::numeric(14, 2) as open_amount,
    age_days,
    {{ ageing_bucket('age_days') }} as ageing_bucket
from opened
