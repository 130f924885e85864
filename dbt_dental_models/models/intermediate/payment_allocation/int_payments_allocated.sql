-- Payments with what their splits were given to.
with payments as (
    select * from {{ ref('stg_opendental__payments') }}
),

splits as (
    select
        payment_id,
        count(*) as split_count,
        sum(split_amount) as split_amount,
        sum(split_amount) filter (where procedure_id is not null) as procedure_amount,
        sum(split_amount) filter (where procedure_id is null and adjustment_id is not null) as adjustment_amount,
        sum(split_amount) filter (where unearned_type_id is not null) as unearned_amount,
        sum(split_amount) filter (
            where procedure_id is null and adjustment_id is null and unearned_type_id is null
        ) as account_amount
    from {{ ref('stg_opendental__payment_splits') }}
    group by payment_id
)

select
    payments.payment_id,
    payments.payment_amount,
    coalesce(splits.split_count, 0)::integer as split_count,
    coalesce(splits.split_amount, 0)::numeric(14, 2) as split_amount,
    coalesce(splits.procedure_amount, 0)::numeric(14, 2) as procedure_amount,
    coalesce(splits.adjustment_amount, 0)::numeric(14, 2) as adjustment_amount,
    coalesce(splits.unearned_amount, 0)::numeric(14, 2) as unearned_amount,
    coalesce(splits.account_amount, 0)::numeric(14, 2) as account_amount,
    (payments.payment_amount - coalesce(splits.split_amount, 0))::numeric(14, 2) as unsplit_amount
from payments
left join splits on payments.payment_id = splits.payment_id
