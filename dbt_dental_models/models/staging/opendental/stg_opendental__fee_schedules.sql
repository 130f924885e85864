with source as (
    select * from {{ source('opendental', 'feesched') }}
),

renamed as (
    select
        "FeeSchedNum" as fee_schedule_id,

        "FeeSchedType" as fee_schedule_type_code,

        {{ clean_text('"Description"') }} as fee_schedule_name,
        "ItemOrder" as sort_order,
        {{ as_boolean('"IsHidden"') }} as is_hidden,

        {{ clean_timestamp('"SecDateTEdit"') }} as edited_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
