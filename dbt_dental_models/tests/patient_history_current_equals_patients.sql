with history as (
    select *
    from {{ ref('dim_patients_history') }}
    where is_current
)

select coalesce(history.patient_id, patients.patient_id) as patient_id
from history
full outer join {{ ref('stg_opendental__patients') }} as patients
    on history.patient_id = patients.patient_id
where
    history.patient_id is null
    or patients.patient_id is null
    or (
        history.guarantor_id, history.primary_provider_id, history.clinic_id,
        history.fee_schedule_id, history.billing_type_id, history.patient_status_code
    ) is distinct from (
        patients.guarantor_id, patients.primary_provider_id, patients.clinic_id,
        patients.fee_schedule_id, patients.billing_type_id, patients.patient_status_code
    )
