with source as (
    select * from {{ source('opendental', 'patient') }}
),

renamed as (
    select
        "PatNum" as patient_id,

        {{ null_if_zero('"Guarantor"') }} as guarantor_id,
        {{ null_if_zero('"PriProv"') }} as primary_provider_id,
        {{ null_if_zero('"SecProv"') }} as secondary_provider_id,
        {{ null_if_zero('"ClinicNum"') }} as clinic_id,
        {{ null_if_zero('"FeeSched"') }} as fee_schedule_id,
        {{ null_if_zero('"BillingType"') }} as billing_type_id,

        "PatStatus" as patient_status_code,
        "Gender" as gender_code,
        "TxtMsgOk" as text_message_consent_code,

        {{ clean_text('"LName"') }} as last_name,
        {{ clean_text('"FName"') }} as first_name,
        {{ clean_text('"Email"') }} as email,

        {{ clean_date('"Birthdate"') }} as born_on,
        {{ clean_date('"DateFirstVisit"') }} as first_visit_on,
        {{ clean_date('"SecDateEntry"') }} as entered_on,
        {{ clean_timestamp('"DateTStamp"') }} as edited_at,

        {{ as_money('"EstBalance"') }} as estimated_balance_amount,
        {{ as_money('"BalTotal"') }} as total_balance_amount,
        {{ as_money('"Bal_0_30"') }} as balance_0_30_amount,
        {{ as_money('"Bal_31_60"') }} as balance_31_60_amount,
        {{ as_money('"Bal_61_90"') }} as balance_61_90_amount,
        {{ as_money('"BalOver90"') }} as balance_over_90_amount,
        {{ as_money('"InsEst"') }} as insurance_estimate_amount,

        _loaded_at as loaded_at
    from source
)

select * from renamed
