with claims as (
    select * from {{ ref('int_claims_summarized') }}
),

statuses as (
    select * from {{ ref('claim_statuses') }}
)

select
    claims.claim_id,
    claims.patient_id,
    claims.insurance_plan_id,
    claims.carrier_id,
    claims.provider_id,
    claims.clinic_id,
    claims.claim_type,
    claims.claim_status_code,
    statuses.claim_status_name,
    claims.is_open,
    claims.is_unpaid_answer,
    claims.service_on,
    claims.sent_on,
    claims.received_on,
    claims.days_to_answer,
    claims.event_count,
    claims.line_count,
    claims.billed_amount,
    claims.estimated_amount,
    claims.paid_amount,
    claims.write_off_amount,
    claims.deductible_amount
from claims
left join statuses on claims.claim_status_code = statuses.claim_status_code
