select
    claim_id,
    claim_status_code,
    sent_on,
    received_on
from {{ ref('stg_opendental__claims') }}
where
    (claim_status_code = 'R' and received_on is null)
    or (claim_status_code <> 'R' and received_on is not null)
    or (claim_status_code = 'S' and sent_on is null)
    or received_on < sent_on
