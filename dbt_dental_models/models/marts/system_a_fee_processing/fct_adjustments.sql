select
    adjustment_id,
    patient_id,
    provider_id,
    clinic_id,
    procedure_id,
    adjustment_type_id,
    adjustment_type_name,
    adjustment_class,
    is_against_type,
    adjusted_on,
    adjustment_amount
from {{ ref('int_adjustments_classified') }}
