with source as (
    select * from {{ source('opendental', 'appointment') }}
),

renamed as (
    select
        "AptNum" as appointment_id,

        {{ null_if_zero('"PatNum"') }} as patient_id,
        {{ null_if_zero('"ProvNum"') }} as provider_id,
        {{ null_if_zero('"ProvHyg"') }} as hygienist_id,
        {{ null_if_zero('"Op"') }} as operatory_id,
        {{ null_if_zero('"ClinicNum"') }} as clinic_id,
        {{ null_if_zero('"AppointmentTypeNum"') }} as appointment_type_id,
        {{ null_if_zero('"Confirmed"') }} as confirmation_id,

        "AptStatus" as appointment_status_code,

        {{ clean_text('"Pattern"') }} as time_pattern,
        {{ as_boolean('"IsNewPatient"') }} as is_new_patient,
        {{ as_boolean('"IsHygiene"') }} as is_hygiene,

        {{ clean_timestamp('"AptDateTime"') }} as starts_at,
        {{ clean_timestamp('"DateTimeArrived"') }} as arrived_at,
        {{ clean_timestamp('"DateTimeSeated"') }} as seated_at,
        {{ clean_timestamp('"DateTimeDismissed"') }} as dismissed_at,
        {{ clean_timestamp('"SecDateTEntry"') }} as entered_at,
        {{ clean_timestamp('"DateTStamp"') }} as edited_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
