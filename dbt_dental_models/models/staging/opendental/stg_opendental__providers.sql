with source as (
    select * from {{ source('opendental', 'provider') }}
),

renamed as (
    select
        "ProvNum" as provider_id,

        {{ null_if_zero('"FeeSched"') }} as fee_schedule_id,
        {{ null_if_zero('"Specialty"') }} as specialty_id,

        "ProvStatus" as provider_status_code,

        {{ clean_text('"Abbr"') }} as provider_abbreviation,
        {{ clean_text('"LName"') }} as last_name,
        {{ clean_text('"FName"') }} as first_name,
        {{ clean_text('"Suffix"') }} as suffix,
        {{ as_boolean('"IsSecondary"') }} as is_hygienist,
        {{ as_boolean('"IsHidden"') }} as is_hidden,

        {{ clean_timestamp('"DateTStamp"') }} as edited_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
