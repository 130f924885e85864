with balances as (
    select * from {{ ref('int_account_balances_aged') }}
),

patients as (
    select * from {{ ref('dim_patients') }}
)

select
    balances.guarantor_id,
    patients.clinic_id,
    patients.billing_type_name,
    {{ as_of_date() }} as as_of_date,
    balances.balance_amount,
    balances.credit_amount,
    balances.open_0_30_amount,
    balances.open_31_60_amount,
    balances.open_61_90_amount,
    balances.open_over_90_amount,
    balances.insurance_pending_amount,
    balances.oldest_open_on,
    balances.last_patient_payment_on
from balances
left join patients on balances.guarantor_id = patients.patient_id
