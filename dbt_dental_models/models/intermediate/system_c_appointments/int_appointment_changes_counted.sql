-- How often an appointment was moved, missed or called off.
select
    appointment_id,
    count(*) filter (where appointment_action_code = 1)::integer as change_count,
    count(*) filter (where appointment_action_code in (2, 3))::integer as broken_count,
    bool_or(appointment_action_code = 4) as is_deleted,
    min(occurred_at) as first_event_at,
    max(occurred_at) as last_event_at
from {{ ref('stg_opendental__appointment_events') }}
where appointment_id is not null
group by appointment_id
