-- Appointments with their planned and real times. Each character of the pattern is five minutes.
with appointments as (
    select * from {{ ref('stg_opendental__appointments') }}
)

select
    appointment_id,
    patient_id,
    provider_id,
    hygienist_id,
    operatory_id,
    clinic_id,
    appointment_type_id,
    appointment_status_code,
    is_new_patient,
    is_hygiene,
    entered_at,
    starts_at,
    starts_at::date as appointment_on,
    arrived_at,
    seated_at,
    dismissed_at,
    (length(time_pattern) * 5)::integer as planned_minutes,
    case
        when starts_at is not null and entered_at is not null then greatest(starts_at::date - entered_at::date, 0)
    end as lead_days,
    -- Waiting starts at the appointed time: who comes early does not wait for us.
    case
        when seated_at is not null and arrived_at is not null
            then greatest(extract(epoch from seated_at - greatest(arrived_at, starts_at)) / 60, 0)::integer
    end as wait_minutes,
    case
        when dismissed_at > seated_at then (extract(epoch from dismissed_at - seated_at) / 60)::integer
    end as chair_minutes,
    loaded_at
from appointments
