{{
    config(
        materialized='incremental',
        unique_key='claim_procedure_id',
        incremental_strategy='delete+insert',
        on_schema_change='append_new_columns',
        post_hook="{{ delete_vanished(ref('stg_opendental__claim_procedures'), 'claim_procedure_id') }}",
    )
}}

select
    claim_procedure_id,
    claim_id,
    procedure_id,
    patient_id,
    provider_id,
    insurance_plan_id,
    claim_payment_id,
    clinic_id,
    claim_procedure_status_code,
    claim_procedure_status_code in (1, 4, 5) as is_posted,
    procedure_on,
    posted_on,
    billed_amount,
    estimated_amount,
    deductible_amount,
    paid_amount,
    write_off_amount,
    loaded_at
from {{ ref('stg_opendental__claim_procedures') }}
{{ incremental_window(this) }}
