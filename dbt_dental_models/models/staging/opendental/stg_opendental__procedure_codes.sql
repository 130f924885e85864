with source as (
    select * from {{ source('opendental', 'procedurecode') }}
),

renamed as (
    select
        "CodeNum" as procedure_code_id,

        {{ null_if_zero('"ProcCat"') }} as procedure_category_id,

        "TreatArea" as treatment_area_code,

        {{ clean_text('"ProcCode"') }} as procedure_code,
        {{ clean_text('"Descript"') }} as procedure_description,
        {{ clean_text('"AbbrDesc"') }} as procedure_abbreviation,
        {{ as_boolean('"IsHygiene"') }} as is_hygiene,
        {{ clean_text('"ProcTime"') }} as time_pattern,

        {{ clean_timestamp('"DateTStamp"') }} as edited_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
