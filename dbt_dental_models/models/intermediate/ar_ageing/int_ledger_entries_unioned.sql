-- Everything that changes what a patient owes: charges positive, credits negative. No guarantor here: families
-- change after the fact, entries do not.
select
    'procedure-' || procedure_id as ledger_entry_key,
    'procedure' as entry_type,
    procedure_id as source_id,
    patient_id,
    provider_id,
    clinic_id,
    procedure_id,
    completed_on as entry_on,
    production_amount::numeric(14, 2) as entry_amount,
    loaded_at
from {{ ref('int_procedures_completed') }}
where production_amount <> 0

union all

select
    'adjustment-' || adjustment_id as ledger_entry_key,
    'adjustment' as entry_type,
    adjustment_id as source_id,
    patient_id,
    provider_id,
    clinic_id,
    procedure_id,
    adjusted_on as entry_on,
    adjustment_amount::numeric(14, 2) as entry_amount,
    loaded_at
from {{ ref('stg_opendental__adjustments') }}
where adjustment_amount <> 0

union all

select
    'split-' || payment_split_id as ledger_entry_key,
    'patient_payment' as entry_type,
    payment_split_id as source_id,
    patient_id,
    provider_id,
    clinic_id,
    procedure_id,
    paid_on as entry_on,
    (-split_amount)::numeric(14, 2) as entry_amount,
    loaded_at
from {{ ref('stg_opendental__payment_splits') }}
where split_amount <> 0

union all

-- Only what the carrier has answered changes the balance; an open claim is an expectation.
select
    'claim_payment-' || claim_procedure_id as ledger_entry_key,
    'insurance_payment' as entry_type,
    claim_procedure_id as source_id,
    patient_id,
    provider_id,
    clinic_id,
    procedure_id,
    coalesce(posted_on, procedure_on) as entry_on,
    (-paid_amount)::numeric(14, 2) as entry_amount,
    loaded_at
from {{ ref('stg_opendental__claim_procedures') }}
where claim_procedure_status_code in (1, 4, 5) and paid_amount <> 0

union all

select
    'write_off-' || claim_procedure_id as ledger_entry_key,
    'insurance_write_off' as entry_type,
    claim_procedure_id as source_id,
    patient_id,
    provider_id,
    clinic_id,
    procedure_id,
    coalesce(posted_on, procedure_on) as entry_on,
    (-write_off_amount)::numeric(14, 2) as entry_amount,
    loaded_at
from {{ ref('stg_opendental__claim_procedures') }}
where claim_procedure_status_code in (1, 4, 5) and write_off_amount <> 0
