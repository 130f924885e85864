with source as (
    select * from {{ source('opendental', 'adjustment') }}
),

renamed as (
    select
        "AdjNum" as adjustment_id,

        {{ null_if_zero('"PatNum"') }} as patient_id,
        {{ null_if_zero('"ProvNum"') }} as provider_id,
        {{ null_if_zero('"ProcNum"') }} as procedure_id,
        {{ null_if_zero('"AdjType"') }} as adjustment_type_id,
        {{ null_if_zero('"ClinicNum"') }} as clinic_id,

        {{ clean_date('"AdjDate"') }} as adjusted_on,
        {{ clean_date('"ProcDate"') }} as procedure_on,
        {{ clean_date('"DateEntry"') }} as entered_on,
        {{ clean_timestamp('"SecDateTEdit"') }} as edited_at,

        {{ as_money('"AdjAmt"') }} as adjustment_amount,

        _loaded_at as loaded_at
    from source
)

select * from renamed
