with payments as (
    select * from {{ ref('stg_opendental__payments') }}
),

allocated as (
    select * from {{ ref('int_payments_allocated') }}
),

types as (
    select * from {{ ref('stg_opendental__definitions') }}
    where definition_category_code = 10
)

select
    payments.payment_id,
    payments.patient_id,
    payments.clinic_id,
    coalesce(types.definition_name, 'Income transfer') as payment_type_name,
    payments.payment_type_id is null as is_transfer,
    payments.payment_amount < 0 as is_reversal,
    payments.paid_on,
    payments.payment_amount,
    allocated.split_count,
    allocated.procedure_amount,
    allocated.adjustment_amount,
    allocated.unearned_amount,
    allocated.account_amount,
    allocated.unsplit_amount
from payments
left join allocated on payments.payment_id = allocated.payment_id
left join types on payments.payment_type_id = types.definition_id
