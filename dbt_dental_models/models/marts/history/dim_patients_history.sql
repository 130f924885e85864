select
    dbt_scd_id as patient_history_key,
    patient_id,
    guarantor_id,
    primary_provider_id,
    clinic_id,
    fee_schedule_id,
    billing_type_id,
    patient_status_code,
    row_number() over (partition by patient_id order by dbt_valid_from, dbt_scd_id)::integer as version_number,
    dbt_valid_from as valid_from,
    dbt_valid_to as valid_to,
    dbt_valid_to is null as is_current
from {{ ref('snap_opendental__patients') }}
