with source as (
    select * from {{ source('opendental', 'payment') }}
),

renamed as (
    select
        "PayNum" as payment_id,

        {{ null_if_zero('"PatNum"') }} as patient_id,
        {{ null_if_zero('"ClinicNum"') }} as clinic_id,
        {{ null_if_zero('"PayType"') }} as payment_type_id,

        {{ clean_text('"CheckNum"') }} as check_number,

        {{ clean_date('"PayDate"') }} as paid_on,
        {{ clean_date('"DateEntry"') }} as entered_on,
        {{ clean_timestamp('"SecDateTEdit"') }} as edited_at,

        {{ as_money('"PayAmt"') }} as payment_amount,

        _loaded_at as loaded_at
    from source
)

select * from renamed
