select
    claim_payment_id,
    clinic_id,
    carrier_name,
    check_number,
    issued_on,
    checked_on,
    is_partial,
    line_count,
    claim_count,
    check_amount,
    matched_amount,
    unmatched_amount
from {{ ref('int_claim_payments_matched') }}
