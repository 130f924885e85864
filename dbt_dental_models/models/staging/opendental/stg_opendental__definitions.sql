with source as (
    select * from {{ source('opendental', 'definition') }}
),

renamed as (
    select
        "DefNum" as definition_id,

        "Category" as definition_category_code,

        {{ clean_text('"ItemName"') }} as definition_name,
        {{ clean_text('"ItemValue"') }} as definition_value,
        "ItemOrder" as sort_order,
        {{ as_boolean('"IsHidden"') }} as is_hidden,

        _loaded_at as loaded_at
    from source
)

select * from renamed
