with source as (
    select * from {{ source('opendental', 'fee') }}
),

renamed as (
    select
        "FeeNum" as fee_id,

        {{ null_if_zero('"FeeSched"') }} as fee_schedule_id,
        {{ null_if_zero('"CodeNum"') }} as procedure_code_id,
        {{ null_if_zero('"ClinicNum"') }} as clinic_id,
        {{ null_if_zero('"ProvNum"') }} as provider_id,

        {{ clean_timestamp('"SecDateTEdit"') }} as edited_at,

        {{ as_money('"Amount"') }} as fee_amount,

        _loaded_at as loaded_at
    from source
)

select * from renamed
