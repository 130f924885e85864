{{
    config(
        materialized='incremental',
        unique_key='appointment_id',
        incremental_strategy='delete+insert',
        on_schema_change='append_new_columns',
        post_hook="{{ delete_vanished(ref('int_appointments_timed'), 'appointment_id') }}",
    )
}}

select
    appointment_id,
    patient_id,
    provider_id,
    hygienist_id,
    operatory_id,
    clinic_id,
    appointment_type_id,
    appointment_status_code,
    appointment_status_code = 2 as is_kept,
    appointment_status_code = 5 as is_broken,
    is_new_patient,
    is_hygiene,
    appointment_on,
    starts_at,
    arrived_at,
    seated_at,
    dismissed_at,
    planned_minutes,
    lead_days,
    wait_minutes,
    chair_minutes,
    loaded_at
from {{ ref('int_appointments_timed') }}
{{ incremental_window(this) }}
