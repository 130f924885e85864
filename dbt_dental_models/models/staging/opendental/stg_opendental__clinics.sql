with source as (
    select * from {{ source('opendental', 'clinic') }}
),

renamed as (
    select
        "ClinicNum" as clinic_id,

        {{ clean_text('"Description"') }} as clinic_name,
        {{ clean_text('"Abbr"') }} as clinic_abbreviation,
        {{ clean_text('"City"') }} as city,
        {{ clean_text('"State"') }} as state,
        {{ as_boolean('"IsHidden"') }} as is_hidden,

        _loaded_at as loaded_at
    from source
)

select * from renamed
