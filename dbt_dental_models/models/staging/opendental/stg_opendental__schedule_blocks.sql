with source as (
    select * from {{ source('opendental', 'schedule') }}
),

renamed as (
    select
        "ScheduleNum" as schedule_block_id,

        {{ null_if_zero('"ProvNum"') }} as provider_id,
        {{ null_if_zero('"ClinicNum"') }} as clinic_id,
        {{ null_if_zero('"BlockoutType"') }} as blockout_type_id,

        "SchedType" as schedule_type_code,
        "Status" as schedule_status_code,

        "StartTime" as starts_at_time,
        "StopTime" as stops_at_time,

        {{ clean_date('"SchedDate"') }} as scheduled_on,
        {{ clean_timestamp('"DateTStamp"') }} as edited_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
