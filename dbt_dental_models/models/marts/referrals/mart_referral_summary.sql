with attributed as (
    select * from {{ ref('int_patient_referrals_attributed') }}
),

sources as (
    select * from {{ ref('dim_referral_sources') }}
),

visits as (
    select
        patient_id,
        count(*) as visit_count
    from {{ ref('stg_opendental__appointments') }}
    where appointment_status_code = 2
    group by patient_id
)

select
    sources.referral_id,
    sources.referral_name,
    sources.referral_kind,
    count(attributed.patient_id)::integer as patient_count,
    count(visits.patient_id)::integer as seen_patient_count,
    coalesce(sum(visits.visit_count), 0)::integer as visit_count,
    min(attributed.referred_on) as first_referred_on,
    max(attributed.referred_on) as last_referred_on
from sources
left join attributed on sources.referral_id = attributed.referral_id
left join visits on attributed.patient_id = visits.patient_id
group by sources.referral_id, sources.referral_name, sources.referral_kind
