with source as (
    select * from {{ source('opendental', 'claimpayment') }}
),

renamed as (
    select
        "ClaimPaymentNum" as claim_payment_id,

        {{ null_if_zero('"ClinicNum"') }} as clinic_id,
        {{ null_if_zero('"PayType"') }} as payment_type_id,

        {{ clean_text('"CheckNum"') }} as check_number,
        {{ clean_text('"CarrierName"') }} as carrier_name,
        {{ as_boolean('"IsPartial"') }} as is_partial,

        {{ clean_date('"CheckDate"') }} as checked_on,
        {{ clean_date('"DateIssued"') }} as issued_on,
        {{ clean_timestamp('"SecDateTEdit"') }} as edited_at,

        {{ as_money('"CheckAmt"') }} as check_amount,

        _loaded_at as loaded_at
    from source
)

select * from renamed
