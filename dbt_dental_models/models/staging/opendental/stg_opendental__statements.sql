with source as (
    select * from {{ source('opendental', 'statement') }}
),

renamed as (
    select
        "StatementNum" as statement_id,

        {{ null_if_zero('"PatNum"') }} as patient_id,

        "Mode_" as statement_mode_code,

        {{ as_boolean('"IsSent"') }} as is_sent,

        {{ clean_date('"DateSent"') }} as sent_on,
        {{ clean_timestamp('"DateTStamp"') }} as edited_at,

        {{ as_money('"BalTotal"') }} as balance_amount,
        {{ as_money('"InsEst"') }} as insurance_estimate_amount,

        _loaded_at as loaded_at
    from source
)

select * from renamed
