select
    guarantor_id,
    balance_amount,
    open_0_30_amount + open_31_60_amount + open_61_90_amount + open_over_90_amount + credit_amount as bucket_amount
from {{ ref('fct_account_balances') }}
where
    balance_amount <> open_0_30_amount + open_31_60_amount + open_61_90_amount + open_over_90_amount + credit_amount
    or least(open_0_30_amount, open_31_60_amount, open_61_90_amount, open_over_90_amount) < 0
