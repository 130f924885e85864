with source as (
    select * from {{ source('opendental', 'claim') }}
),

renamed as (
    select
        "ClaimNum" as claim_id,

        {{ null_if_zero('"PatNum"') }} as patient_id,
        {{ null_if_zero('"PlanNum"') }} as insurance_plan_id,
        {{ null_if_zero('"InsSubNum"') }} as subscription_id,
        {{ null_if_zero('"ProvTreat"') }} as provider_id,
        {{ null_if_zero('"ProvBill"') }} as billing_provider_id,
        {{ null_if_zero('"ClinicNum"') }} as clinic_id,

        {{ clean_text('"ClaimStatus"') }} as claim_status_code,
        {{ clean_text('"ClaimType"') }} as claim_type,

        {{ clean_date('"DateService"') }} as service_on,
        {{ clean_date('"DateSent"') }} as sent_on,
        {{ clean_date('"DateReceived"') }} as received_on,
        {{ clean_timestamp('"SecDateTEdit"') }} as edited_at,

        {{ as_money('"ClaimFee"') }} as claim_fee_amount,
        {{ as_money('"InsPayEst"') }} as estimated_amount,
        {{ as_money('"InsPayAmt"') }} as paid_amount,
        {{ as_money('"DedApplied"') }} as deductible_amount,
        {{ as_money('"WriteOff"') }} as write_off_amount,

        _loaded_at as loaded_at
    from source
)

select * from renamed
