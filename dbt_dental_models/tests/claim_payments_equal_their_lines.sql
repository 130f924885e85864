select
    payments.claim_payment_id,
    payments.check_amount,
    coalesce(sum(lines.paid_amount), 0) as paid_amount
from {{ ref('stg_opendental__claim_payments') }} as payments
left join {{ ref('stg_opendental__claim_procedures') }} as lines
    on payments.claim_payment_id = lines.claim_payment_id
group by payments.claim_payment_id, payments.check_amount
having payments.check_amount <> coalesce(sum(lines.paid_amount), 0)
