-- Which fee schedule a patient is charged by: their own, else their provider's, else the practice's first.
with patients as (
    select * from {{ ref('stg_opendental__patients') }}
),

providers as (
    select * from {{ ref('stg_opendental__providers') }}
),

practice_default as (
    select fee_schedule_id
    from {{ ref('stg_opendental__fee_schedules') }}
    where not is_hidden and fee_schedule_type_code = 0
    order by sort_order, fee_schedule_id
    limit 1
)

select
    patients.patient_id,
    coalesce(
        patients.fee_schedule_id, providers.fee_schedule_id, practice_default.fee_schedule_id
    ) as fee_schedule_id,
    case
        when patients.fee_schedule_id is not null then 'patient'
        when providers.fee_schedule_id is not null then 'provider'
        else 'practice'
    end as assigned_by
from patients
left join providers on patients.primary_provider_id = providers.provider_id
left join practice_default on true
