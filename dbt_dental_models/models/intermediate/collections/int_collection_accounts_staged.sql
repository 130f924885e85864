-- Families that owe something, and what to do about it next.
with balances as (
    select * from {{ ref('int_account_balances_aged') }}
    where balance_amount > 0
),

patients as (
    select * from {{ ref('stg_opendental__patients') }}
),

billing_types as (
    select * from {{ ref('stg_opendental__definitions') }}
    where definition_category_code = 4
),

statements as (
    select
        patient_id,
        count(*) as statement_count,
        max(sent_on) as last_statement_on
    from {{ ref('stg_opendental__statements') }}
    where is_sent
    group by patient_id
)

select
    balances.guarantor_id,
    patients.clinic_id,
    billing_types.definition_name as billing_type_name,
    balances.balance_amount,
    balances.open_over_90_amount,
    balances.insurance_pending_amount,
    greatest(balances.balance_amount - balances.insurance_pending_amount, 0)::numeric(14, 2) as patient_due_amount,
    balances.oldest_open_on,
    {{ age_in_days('balances.oldest_open_on') }} as oldest_open_days,
    balances.last_patient_payment_on,
    statements.last_statement_on,
    coalesce(statements.statement_count, 0)::integer as statement_count,
    case
        when billing_types.definition_value = 'C' then 'in_collections'
        when balances.balance_amount <= balances.insurance_pending_amount then 'wait_for_insurance'
        when {{ age_in_days('balances.oldest_open_on') }} > 180 then 'final_notice'
        when {{ age_in_days('balances.oldest_open_on') }} > 90 then 'call'
        when {{ age_in_days('balances.oldest_open_on') }} > 30 then 'remind'
        else 'current'
    end as collection_stage
from balances
inner join patients on balances.guarantor_id = patients.patient_id
left join billing_types on patients.billing_type_id = billing_types.definition_id
left join statements on balances.guarantor_id = statements.patient_id
