-- A patient's plans in the order in which they pay.
with patient_plans as (
    select * from {{ ref('stg_opendental__patient_plans') }}
),

subscriptions as (
    select * from {{ ref('stg_opendental__subscriptions') }}
),

plans as (
    select * from {{ ref('stg_opendental__insurance_plans') }}
)

select
    patient_plans.patient_plan_id,
    patient_plans.patient_id,
    subscriptions.subscription_id,
    subscriptions.subscriber_id,
    plans.insurance_plan_id,
    plans.carrier_id,
    plans.plan_type_code,
    plans.fee_schedule_id,
    row_number() over (
        partition by patient_plans.patient_id
        order by patient_plans.plan_ordinal, patient_plans.patient_plan_id
    ) as coverage_rank,
    subscriptions.effective_on,
    subscriptions.terminated_on
from patient_plans
inner join subscriptions on patient_plans.subscription_id = subscriptions.subscription_id
inner join plans on subscriptions.insurance_plan_id = plans.insurance_plan_id
where
    not patient_plans.is_pending
    and (subscriptions.effective_on is null or subscriptions.effective_on <= {{ as_of_date() }})
    and (subscriptions.terminated_on is null or subscriptions.terminated_on >= {{ as_of_date() }})
