with source as (
    select * from {{ source('opendental', 'userod') }}
),

renamed as (
    select
        "UserNum" as user_id,

        {{ null_if_zero('"ProvNum"') }} as provider_id,
        {{ null_if_zero('"ClinicNum"') }} as clinic_id,

        {{ clean_text('"UserName"') }} as user_name,
        {{ as_boolean('"IsHidden"') }} as is_hidden,

        _loaded_at as loaded_at
    from source
)

select * from renamed
