select
    coalesce(clinic_id, 0) as clinic_key,
    clinic_id,
    as_of_date,
    count(*) filter (where balance_amount > 0)::integer as debtor_count,
    count(*) filter (where balance_amount < 0)::integer as creditor_count,
    sum(balance_amount)::numeric(14, 2) as balance_amount,
    sum(credit_amount)::numeric(14, 2) as credit_amount,
    sum(open_0_30_amount)::numeric(14, 2) as open_0_30_amount,
    sum(open_31_60_amount)::numeric(14, 2) as open_31_60_amount,
    sum(open_61_90_amount)::numeric(14, 2) as open_61_90_amount,
    sum(open_over_90_amount)::numeric(14, 2) as open_over_90_amount,
    sum(insurance_pending_amount)::numeric(14, 2) as insurance_pending_amount,
    {{ share_of('sum(open_over_90_amount)', 'sum(balance_amount - credit_amount)') }}::numeric(
        14, 4
    ) as over_90_share
from {{ ref('fct_account_balances') }}
group by clinic_id, as_of_date
