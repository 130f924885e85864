with source as (
    select * from {{ source('opendental', 'recalltype') }}
),

renamed as (
    select
        "RecallTypeNum" as recall_type_id,

        {{ clean_text('"Description"') }} as recall_type_name,
        "DefaultInterval" as default_interval_months,
        {{ clean_text('"Procedures"') }} as procedure_codes,

        _loaded_at as loaded_at
    from source
)

select * from renamed
