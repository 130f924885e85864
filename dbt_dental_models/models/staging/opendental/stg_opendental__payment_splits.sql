with source as (
    select * from {{ source('opendental', 'paysplit') }}
),

renamed as (
    select
        "SplitNum" as payment_split_id,

        {{ null_if_zero('"PayNum"') }} as payment_id,
        {{ null_if_zero('"PatNum"') }} as patient_id,
        {{ null_if_zero('"ProvNum"') }} as provider_id,
        {{ null_if_zero('"ClinicNum"') }} as clinic_id,
        {{ null_if_zero('"ProcNum"') }} as procedure_id,
        {{ null_if_zero('"AdjNum"') }} as adjustment_id,
        {{ null_if_zero('"UnearnedType"') }} as unearned_type_id,

        {{ clean_date('"DatePay"') }} as paid_on,
        {{ clean_date('"DateEntry"') }} as entered_on,
        {{ clean_timestamp('"SecDateTEdit"') }} as edited_at,

        {{ as_money('"SplitAmt"') }} as split_amount,

        _loaded_at as loaded_at
    from source
)

select * from renamed
