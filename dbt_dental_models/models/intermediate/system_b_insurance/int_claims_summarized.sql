-- Claims with the sums of their lines, and how long the carrier took.
with claims as (
    select * from {{ ref('stg_opendental__claims') }}
),

lines as (
    select
        claim_id,
        count(*) as line_count,
        sum(billed_amount) as billed_amount,
        sum(estimated_amount) as estimated_amount,
        sum(paid_amount) as paid_amount,
        sum(write_off_amount) as write_off_amount,
        sum(deductible_amount) as deductible_amount
    from {{ ref('stg_opendental__claim_procedures') }}
    group by claim_id
),

plans as (
    select * from {{ ref('stg_opendental__insurance_plans') }}
),

events as (
    select
        claim_id,
        count(*) as event_count,
        max(entered_at) as last_event_at
    from {{ ref('stg_opendental__claim_status_events') }}
    group by claim_id
)

select
    claims.claim_id,
    claims.patient_id,
    claims.insurance_plan_id,
    plans.carrier_id,
    claims.provider_id,
    claims.clinic_id,
    claims.claim_type,
    claims.claim_status_code,
    claims.service_on,
    claims.sent_on,
    claims.received_on,
    events.last_event_at,
    coalesce(events.event_count, 0)::integer as event_count,
    coalesce(lines.line_count, 0)::integer as line_count,
    coalesce(lines.billed_amount, 0)::numeric(14, 2) as billed_amount,
    coalesce(lines.estimated_amount, 0)::numeric(14, 2) as estimated_amount,
    coalesce(lines.paid_amount, 0)::numeric(14, 2) as paid_amount,
    coalesce(lines.write_off_amount, 0)::numeric(14, 2) as write_off_amount,
    coalesce(lines.deductible_amount, 0)::numeric(14, 2) as deductible_amount,
    claims.received_on - claims.sent_on as days_to_answer,
    claims.claim_status_code <> 'R' and claims.claim_type <> 'PreAuth' as is_open,
    claims.claim_status_code = 'R' and coalesce(lines.paid_amount, 0) = 0 as is_unpaid_answer
from claims
left join lines on claims.claim_id = lines.claim_id
left join plans on claims.insurance_plan_id = plans.insurance_plan_id
left join events on claims.claim_id = events.claim_id
