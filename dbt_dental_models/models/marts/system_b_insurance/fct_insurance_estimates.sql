select
    procedure_id,
    patient_id,
    provider_id,
    clinic_id,
    procedure_code_id,
    insurance_plan_id,
    treatment_planned_on,
    coverage_percent,
    is_limited,
    fee_amount,
    allowed_amount,
    write_off_amount,
    deductible_amount,
    insurance_amount,
    patient_amount
from {{ ref('int_insurance_estimates_calculated') }}
