with summary as (
    select
        sum(balance_amount) as balance_amount,
        sum(open_over_90_amount) as open_over_90_amount
    from {{ ref('mart_ar_summary') }}
),

accounts as (
    select
        sum(balance_amount) as balance_amount,
        sum(open_over_90_amount) as open_over_90_amount
    from {{ ref('fct_account_balances') }}
)

select
    summary.balance_amount,
    accounts.balance_amount as account_balance_amount
from summary
cross join accounts
where
    summary.balance_amount is distinct from accounts.balance_amount
    or summary.open_over_90_amount is distinct from accounts.open_over_90_amount
