-- Reminders are matched to the patient's next appointment within a week.
with reminders as (
    select
        messages.communication_id,
        messages.patient_id,
        modes.communication_mode_name,
        messages.communicated_at
    from {{ ref('int_communications_classified') }} as messages
    left join {{ ref('communication_modes') }} as modes
        on messages.communication_mode_code = modes.communication_mode_code
    where messages.topic = 'appt' and messages.direction = 'sent'
),

replies as (
    select
        patient_id,
        communicated_at
    from {{ ref('int_communications_classified') }}
    where topic = 'appt' and direction = 'received'
),

appointments as (
    select * from {{ ref('stg_opendental__appointments') }}
    where appointment_status_code in (2, 5)
),

matched as (
    select distinct on (reminders.communication_id)
        reminders.communication_id,
        reminders.communication_mode_name,
        reminders.communicated_at,
        appointments.appointment_status_code,
        exists(
            select 1
            from replies
            where
                replies.patient_id = reminders.patient_id
                and replies.communicated_at > reminders.communicated_at
                and replies.communicated_at < appointments.starts_at
        ) as is_answered
    from reminders
    inner join appointments
        on
            reminders.patient_id = appointments.patient_id
            and reminders.communicated_at < appointments.starts_at
            and reminders.communicated_at + interval '7 days' > appointments.starts_at
    order by reminders.communication_id asc, appointments.starts_at asc
)

select
    concat_ws(
        '|', {{ month_of('communicated_at') }}, coalesce(communication_mode_name, 'None')
    ) as reminder_effectiveness_key,
    {{ month_of('communicated_at') }} as month_start,
    coalesce(communication_mode_name, 'None') as communication_mode_name,
    count(*)::integer as reminder_count,
    count(*) filter (where is_answered)::integer as answered_count,
    count(*) filter (where appointment_status_code = 2)::integer as kept_count,
    {{ share_of('count(*) filter (where appointment_status_code = 2)', 'count(*)') }}::numeric(14, 4) as kept_rate
from matched
group by {{ month_of('communicated_at') }}, coalesce(communication_mode_name, 'None')
