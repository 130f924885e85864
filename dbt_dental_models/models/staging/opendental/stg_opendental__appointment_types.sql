with source as (
    select * from {{ source('opendental', 'appointmenttype') }}
),

renamed as (
    select
        "AppointmentTypeNum" as appointment_type_id,

        {{ clean_text('"AppointmentTypeName"') }} as appointment_type_name,
        {{ clean_text('"Pattern"') }} as time_pattern,
        "ItemOrder" as sort_order,
        {{ as_boolean('"IsHidden"') }} as is_hidden,

        _loaded_at as loaded_at
    from source
)

select * from renamed
