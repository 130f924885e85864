{{
    config(
        materialized='incremental',
        unique_key='procedure_id',
        incremental_strategy='delete+insert',
        on_schema_change='append_new_columns',
        post_hook="{{ delete_vanished(ref('int_procedures_completed'), 'procedure_id') }}",
    )
}}

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
    completed_on,
    quantity,
    procedure_fee_amount,
    production_amount,
    loaded_at
from {{ ref('int_procedures_completed') }}
{{ incremental_window(this) }}
