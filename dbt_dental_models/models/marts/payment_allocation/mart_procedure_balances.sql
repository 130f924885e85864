select
    procedure_id,
    patient_id,
    provider_id,
    clinic_id,
    completed_on,
    production_amount,
    adjusted_amount,
    insurance_paid_amount,
    write_off_amount,
    patient_paid_amount,
    open_amount,
    insurance_pending_amount,
    case
        when open_amount < 0 then 'overpaid'
        when open_amount = 0 then 'settled'
        when insurance_pending_amount >= open_amount then 'with_insurance'
        else 'with_patient'
    end as balance_state
from {{ ref('int_procedure_balances_calculated') }}
