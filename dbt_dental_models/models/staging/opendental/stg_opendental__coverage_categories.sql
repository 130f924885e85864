with source as (
    select * from {{ source('opendental', 'covcat') }}
),

renamed as (
    select
        "CovCatNum" as coverage_category_id,

        {{ clean_text('"Description"') }} as coverage_category_name,
        nullif("DefaultPercent", -1) as default_percent,
        "CovOrder" as sort_order,
        {{ as_boolean('"IsHidden"') }} as is_hidden,

        _loaded_at as loaded_at
    from source
)

select * from renamed
