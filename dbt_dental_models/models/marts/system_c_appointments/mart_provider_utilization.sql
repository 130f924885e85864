with hours as (
    select
        provider_id,
        {{ month_of('scheduled_on') }} as month_start,
        sum(open_minutes) as open_minutes
    from {{ ref('int_provider_hours_scheduled') }}
    group by provider_id, {{ month_of('scheduled_on') }}
),

-- A check-up is the hygienist's time, everything else the dentist's.
booked as (
    select
        coalesce(hygienist_id, provider_id) as provider_id,
        {{ month_of('appointment_on') }} as month_start,
        sum(planned_minutes) filter (where is_kept) as kept_minutes,
        sum(planned_minutes) filter (where is_broken) as broken_minutes,
        sum(planned_minutes) filter (where appointment_status_code = 1) as scheduled_minutes
    from {{ ref('fct_appointments') }}
    where appointment_on is not null
    group by coalesce(hygienist_id, provider_id), {{ month_of('appointment_on') }}
)

select
    concat_ws('|', hours.month_start, hours.provider_id) as provider_utilization_key,
    hours.month_start,
    hours.provider_id,
    hours.open_minutes::integer as open_minutes,
    coalesce(booked.kept_minutes, 0)::integer as kept_minutes,
    coalesce(booked.broken_minutes, 0)::integer as broken_minutes,
    coalesce(booked.scheduled_minutes, 0)::integer as scheduled_minutes,
    {{ share_of('coalesce(booked.kept_minutes, 0)', 'hours.open_minutes') }}::numeric(14, 4) as utilization_rate
from hours
left join booked on hours.provider_id = booked.provider_id and hours.month_start = booked.month_start
