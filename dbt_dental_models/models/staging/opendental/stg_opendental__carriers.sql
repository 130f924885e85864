with source as (
    select * from {{ source('opendental', 'carrier') }}
),

renamed as (
    select
        "CarrierNum" as carrier_id,

        {{ clean_text('"CarrierName"') }} as carrier_name,
        {{ clean_text('"City"') }} as city,
        {{ clean_text('"State"') }} as state,
        {{ clean_text('"ElectID"') }} as electronic_id,
        {{ as_boolean('"NoSendElect"') }} as is_paper_only,
        {{ as_boolean('"IsHidden"') }} as is_hidden,

        {{ clean_timestamp('"SecDateTEdit"') }} as edited_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
