select
    payments.payment_id,
    payments.payment_amount,
    coalesce(sum(splits.split_amount), 0) as split_amount
from {{ ref('stg_opendental__payments') }} as payments
left join {{ ref('stg_opendental__payment_splits') }} as splits on payments.payment_id = splits.payment_id
group by payments.payment_id, payments.payment_amount
having payments.payment_amount <> coalesce(sum(splits.split_amount), 0)
