-- Every dollar of production is adjusted, written off, paid or open.
select
    sum(production_amount) as production_amount,
    sum(
        open_amount + insurance_paid_amount + write_off_amount + patient_paid_amount - adjusted_amount
    ) as explained_amount
from {{ ref('mart_procedure_balances') }}
having
    sum(production_amount) is distinct from (
        select sum(production_amount) from {{ ref('fct_procedures') }}
    )
    or sum(production_amount) is distinct from sum(
        open_amount + insurance_paid_amount + write_off_amount + patient_paid_amount - adjusted_amount
    )
