-- Supplements come after the claim was closed and do not change its own figures.
select
    claims.claim_id,
    claims.claim_fee_amount,
    claims.paid_amount,
    sum(lines.billed_amount) as lines_billed_amount,
    sum(lines.paid_amount) as lines_paid_amount
from {{ ref('stg_opendental__claims') }} as claims
left join {{ ref('stg_opendental__claim_procedures') }} as lines
    on claims.claim_id = lines.claim_id and lines.claim_procedure_status_code <> 4
group by claims.claim_id, claims.claim_fee_amount, claims.paid_amount
having
    claims.claim_fee_amount is distinct from sum(lines.billed_amount)
    or claims.paid_amount is distinct from sum(lines.paid_amount)
