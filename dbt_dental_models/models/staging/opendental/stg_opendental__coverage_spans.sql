with source as (
    select * from {{ source('opendental', 'covspan') }}
),

renamed as (
    select
        "CovSpanNum" as coverage_span_id,

        {{ null_if_zero('"CovCatNum"') }} as coverage_category_id,

        {{ clean_text('"FromCode"') }} as from_procedure_code,
        {{ clean_text('"ToCode"') }} as to_procedure_code,

        _loaded_at as loaded_at
    from source
)

select * from renamed
