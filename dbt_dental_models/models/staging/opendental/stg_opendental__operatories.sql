with source as (
    select * from {{ source('opendental', 'operatory') }}
),

renamed as (
    select
        "OperatoryNum" as operatory_id,

        {{ null_if_zero('"ClinicNum"') }} as clinic_id,
        {{ null_if_zero('"ProvDentist"') }} as dentist_id,
        {{ null_if_zero('"ProvHygienist"') }} as hygienist_id,

        {{ clean_text('"OpName"') }} as operatory_name,
        {{ clean_text('"Abbrev"') }} as operatory_abbreviation,
        {{ as_boolean('"IsHygiene"') }} as is_hygiene,
        {{ as_boolean('"IsHidden"') }} as is_hidden,
        "ItemOrder" as sort_order,

        {{ clean_timestamp('"DateTStamp"') }} as edited_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
