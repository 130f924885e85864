with recalls as (
    select * from {{ ref('int_recalls_assessed') }}
),

types as (
    select * from {{ ref('stg_opendental__recall_types') }}
),

patients as (
    select * from {{ ref('dim_patients') }}
    where is_active
)

select
    recalls.recall_id,
    recalls.patient_id,
    patients.clinic_id,
    patients.primary_provider_id,
    types.recall_type_name,
    recalls.interval_months,
    recalls.recall_state,
    recalls.previous_on,
    recalls.due_on,
    recalls.next_appointment_on,
    recalls.overdue_days,
    patients.accepts_text_messages
from recalls
inner join patients on recalls.patient_id = patients.patient_id
left join types on recalls.recall_type_id = types.recall_type_id
