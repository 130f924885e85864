with accounts as (
    select * from {{ ref('int_collection_accounts_staged') }}
),

contacts as (
    select
        patients.guarantor_id,
        max(messages.communicated_at)::date as last_contact_on
    from {{ ref('stg_opendental__communications') }} as messages
    inner join {{ ref('stg_opendental__patients') }} as patients
        on messages.patient_id = patients.patient_id
    group by patients.guarantor_id
)

select
    accounts.guarantor_id,
    accounts.clinic_id,
    accounts.billing_type_name,
    accounts.collection_stage,
    accounts.balance_amount,
    accounts.open_over_90_amount,
    accounts.insurance_pending_amount,
    accounts.patient_due_amount,
    accounts.oldest_open_on,
    accounts.oldest_open_days,
    accounts.last_patient_payment_on,
    accounts.last_statement_on,
    accounts.statement_count,
    contacts.last_contact_on,
    row_number() over (
        partition by accounts.clinic_id
        order by accounts.open_over_90_amount desc, accounts.patient_due_amount desc, accounts.guarantor_id asc
    )::integer as clinic_rank
from accounts
left join contacts on accounts.guarantor_id = contacts.guarantor_id
