with appointments as (
    select * from {{ ref('fct_appointments') }}
    where appointment_on is not null
),

changes as (
    select * from {{ ref('int_appointment_changes_counted') }}
)

select
    concat_ws(
        '|', {{ month_of('appointments.appointment_on') }},
        coalesce(appointments.clinic_id, 0), appointments.provider_id
    ) as appointment_summary_key,
    {{ month_of('appointments.appointment_on') }} as month_start,
    appointments.clinic_id,
    appointments.provider_id,
    count(*)::integer as appointment_count,
    count(*) filter (where appointments.is_kept)::integer as kept_count,
    count(*) filter (where appointments.is_broken)::integer as broken_count,
    count(*) filter (where appointments.is_new_patient and appointments.is_kept)::integer as new_patient_count,
    coalesce(sum(changes.change_count), 0)::integer as change_count,
    {{ share_of(
        'count(*) filter (where appointments.is_broken)',
        'count(*) filter (where appointments.is_broken or appointments.is_kept)'
    ) }}::numeric(14, 4) as broken_rate,
    round(avg(appointments.wait_minutes), 1)::numeric(14, 1) as average_wait_minutes,
    round(avg(appointments.lead_days), 1)::numeric(14, 1) as average_lead_days
from appointments
left join changes on appointments.appointment_id = changes.appointment_id
group by {{ month_of('appointments.appointment_on') }}, appointments.clinic_id, appointments.provider_id
