with source as (
    select * from {{ source('opendental', 'refattach') }}
),

renamed as (
    select
        "RefAttachNum" as referral_attachment_id,

        {{ null_if_zero('"ReferralNum"') }} as referral_id,
        {{ null_if_zero('"PatNum"') }} as patient_id,
        {{ null_if_zero('"ProcNum"') }} as procedure_id,

        "RefType" as referral_type_code,

        "RefToStatus" as referral_status_code,
        "ItemOrder" as sort_order,

        {{ clean_date('"RefDate"') }} as referred_on,
        {{ clean_timestamp('"DateTStamp"') }} as edited_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
