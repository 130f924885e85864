-- Production: what was done, at the fee charged. OpenDental counts a procedure at least once.
select
    procedure_id,
    patient_id,
    appointment_id,
    procedure_code_id,
    provider_id,
    clinic_id,
    tooth_number,
    surface,
    treatment_planned_on,
    coalesce(completed_on, procedure_on) as completed_on,
    greatest(base_units + unit_quantity, 1) as quantity,
    procedure_fee_amount,
    (procedure_fee_amount * greatest(base_units + unit_quantity, 1))::numeric(14, 2) as production_amount,
    loaded_at
from {{ ref('stg_opendental__procedures') }}
where procedure_status_code = 2
