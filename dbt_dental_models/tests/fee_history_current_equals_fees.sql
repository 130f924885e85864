with history as (
    select *
    from {{ ref('fct_fee_changes') }}
    where is_current
)

select
    coalesce(history.fee_id, fees.fee_id) as fee_id,
    history.fee_amount,
    fees.fee_amount as source_fee_amount
from history
full outer join {{ ref('stg_opendental__fees') }} as fees
    on history.fee_id = fees.fee_id
where history.fee_amount is distinct from fees.fee_amount
