with source as (
    select * from {{ source('opendental', 'histappointment') }}
),

renamed as (
    select
        "HistApptNum" as appointment_event_id,

        {{ null_if_zero('"AptNum"') }} as appointment_id,
        {{ null_if_zero('"PatNum"') }} as patient_id,
        {{ null_if_zero('"HistUserNum"') }} as user_id,

        "HistApptAction" as appointment_action_code,
        "AptStatus" as appointment_status_code,

        {{ clean_timestamp('"AptDateTime"') }} as starts_at,
        {{ clean_timestamp('"HistDateTStamp"') }} as occurred_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
