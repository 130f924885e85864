select
    claim_procedure_id,
    claim_id,
    paid_amount
from {{ ref('stg_opendental__claim_procedures') }}
where paid_amount <> 0 and claim_payment_id is null
