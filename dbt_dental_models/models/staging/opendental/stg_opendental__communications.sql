with source as (
    select * from {{ source('opendental', 'commlog') }}
),

renamed as (
    select
        "CommlogNum" as communication_id,

        {{ null_if_zero('"PatNum"') }} as patient_id,
        {{ null_if_zero('"CommType"') }} as communication_type_id,
        {{ null_if_zero('"UserNum"') }} as user_id,

        "Mode_" as communication_mode_code,
        "SentOrReceived" as direction_code,

        {{ clean_text('"Note"') }} as note,

        {{ clean_timestamp('"CommDateTime"') }} as communicated_at,
        {{ clean_timestamp('"DateTStamp"') }} as edited_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
