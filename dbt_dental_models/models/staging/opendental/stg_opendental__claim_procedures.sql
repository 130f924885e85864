with source as (
    select * from {{ source('opendental', 'claimproc') }}
),

renamed as (
    select
        "ClaimProcNum" as claim_procedure_id,

        {{ null_if_zero('"ProcNum"') }} as procedure_id,
        {{ null_if_zero('"ClaimNum"') }} as claim_id,
        {{ null_if_zero('"PatNum"') }} as patient_id,
        {{ null_if_zero('"ProvNum"') }} as provider_id,
        {{ null_if_zero('"PlanNum"') }} as insurance_plan_id,
        {{ null_if_zero('"InsSubNum"') }} as subscription_id,
        {{ null_if_zero('"ClaimPaymentNum"') }} as claim_payment_id,
        {{ null_if_zero('"ClinicNum"') }} as clinic_id,

        "Status" as claim_procedure_status_code,

        {{ clean_date('"ProcDate"') }} as procedure_on,
        {{ clean_date('"DateCP"') }} as posted_on,
        {{ clean_timestamp('"SecDateTEdit"') }} as edited_at,

        {{ as_money('"FeeBilled"') }} as billed_amount,
        {{ as_money('"InsPayEst"') }} as estimated_amount,
        {{ as_money('"InsPayAmt"') }} as paid_amount,
        {{ as_money('"DedApplied"') }} as deductible_amount,
        {{ as_money('"WriteOff"') }} as write_off_amount,

        _loaded_at as loaded_at
    from source
)

select * from renamed
