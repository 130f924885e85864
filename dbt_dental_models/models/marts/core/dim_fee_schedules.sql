with schedules as (
    select * from {{ ref('stg_opendental__fee_schedules') }}
),

types as (
    select * from {{ ref('fee_schedule_types') }}
),

fees as (
    select
        fee_schedule_id,
        count(*) as fee_count,
        count(*) filter (where clinic_id is not null or provider_id is not null) as override_count
    from {{ ref('stg_opendental__fees') }}
    group by fee_schedule_id
)

select
    schedules.fee_schedule_id,
    schedules.fee_schedule_name,
    types.fee_schedule_type_name,
    coalesce(fees.fee_count, 0)::integer as fee_count,
    coalesce(fees.override_count, 0)::integer as override_count,
    not schedules.is_hidden as is_active
from schedules
left join types on schedules.fee_schedule_type_code = types.fee_schedule_type_code
left join fees on schedules.fee_schedule_id = fees.fee_schedule_id
