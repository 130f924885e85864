-- The source ages its accounts itself every night; ours must come to the same totals.
select
    patients.patient_id as guarantor_id,
    patients.total_balance_amount as source_balance_amount,
    coalesce(accounts.balance_amount, 0) as balance_amount
from {{ ref('stg_opendental__patients') }} as patients
left join {{ ref('fct_account_balances') }} as accounts on patients.patient_id = accounts.guarantor_id
where
    patients.patient_id = patients.guarantor_id
    and patients.total_balance_amount <> coalesce(accounts.balance_amount, 0)
