with source as (
    select * from {{ source('opendental', 'referral') }}
),

renamed as (
    select
        "ReferralNum" as referral_id,

        {{ null_if_zero('"Specialty"') }} as specialty_id,
        {{ null_if_zero('"PatNum"') }} as patient_id,

        {{ clean_text('"LName"') }} as last_name,
        {{ clean_text('"FName"') }} as first_name,
        {{ as_boolean('"IsDoctor"') }} as is_doctor,
        {{ as_boolean('"NotPerson"') }} as is_not_person,
        {{ as_boolean('"IsHidden"') }} as is_hidden,

        {{ clean_timestamp('"DateTStamp"') }} as edited_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
