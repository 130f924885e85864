-- Checks from carriers beside the claim lines they paid.
with payments as (
    select * from {{ ref('stg_opendental__claim_payments') }}
),

lines as (
    select
        claim_payment_id,
        count(*) as line_count,
        count(distinct claim_id) as claim_count,
        sum(paid_amount) as matched_amount
    from {{ ref('stg_opendental__claim_procedures') }}
    where claim_payment_id is not null
    group by claim_payment_id
)

select
    payments.claim_payment_id,
    payments.clinic_id,
    payments.payment_type_id,
    payments.carrier_name,
    payments.check_number,
    payments.checked_on,
    payments.issued_on,
    payments.is_partial,
    payments.check_amount,
    coalesce(lines.matched_amount, 0)::numeric(14, 2) as matched_amount,
    (payments.check_amount - coalesce(lines.matched_amount, 0))::numeric(14, 2) as unmatched_amount,
    coalesce(lines.line_count, 0)::integer as line_count,
    coalesce(lines.claim_count, 0)::integer as claim_count
from payments
left join lines on payments.claim_payment_id = lines.claim_payment_id
