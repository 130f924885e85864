with source as (
    select * from {{ source('opendental', 'procedurelog') }}
),

renamed as (
    select
        "ProcNum" as procedure_id,

        {{ null_if_zero('"PatNum"') }} as patient_id,
        {{ null_if_zero('"AptNum"') }} as appointment_id,
        {{ null_if_zero('"CodeNum"') }} as procedure_code_id,
        {{ null_if_zero('"ProvNum"') }} as provider_id,
        {{ null_if_zero('"ClinicNum"') }} as clinic_id,

        "ProcStatus" as procedure_status_code,

        {{ clean_text('"Surf"') }} as surface,
        {{ clean_text('"ToothNum"') }} as tooth_number,
        "UnitQty" as unit_quantity,
        "BaseUnits" as base_units,

        {{ clean_date('"ProcDate"') }} as procedure_on,
        {{ clean_date('"DateTP"') }} as treatment_planned_on,
        {{ clean_date('"DateComplete"') }} as completed_on,
        {{ clean_date('"DateEntryC"') }} as completion_entered_on,
        {{ clean_timestamp('"DateTStamp"') }} as edited_at,

        {{ as_money('"ProcFee"') }} as procedure_fee_amount,

        _loaded_at as loaded_at
    from source
)

select * from renamed
