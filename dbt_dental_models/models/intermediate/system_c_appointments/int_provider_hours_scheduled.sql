-- Hours a provider is in the practice, by day and clinic, less the clinic's blockouts.
with blocks as (
    select
        *,
        extract(epoch from stops_at_time - starts_at_time) / 60 as block_minutes
    from {{ ref('stg_opendental__schedule_blocks') }}
    where schedule_status_code = 0
),

blockouts as (
    select
        clinic_id,
        scheduled_on,
        sum(block_minutes) as blocked_minutes
    from blocks
    where schedule_type_code = 2 and provider_id is null
    group by clinic_id, scheduled_on
)

select
    blocks.provider_id,
    blocks.clinic_id,
    blocks.scheduled_on,
    sum(blocks.block_minutes)::integer as scheduled_minutes,
    greatest(sum(blocks.block_minutes) - coalesce(max(blockouts.blocked_minutes), 0), 0)::integer as open_minutes
from blocks
left join blockouts
    on blocks.clinic_id = blockouts.clinic_id and blocks.scheduled_on = blockouts.scheduled_on
where blocks.schedule_type_code = 1 and blocks.provider_id is not null
group by blocks.provider_id, blocks.clinic_id, blocks.scheduled_on
