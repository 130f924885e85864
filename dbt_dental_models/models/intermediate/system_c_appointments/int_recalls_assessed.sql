-- Recalls beside the patient's next appointment: who is due, and who is already coming.
with recalls as (
    select * from {{ ref('stg_opendental__recalls') }}
    where not is_disabled
),

upcoming as (
    select
        patient_id,
        min(starts_at::date) as next_appointment_on
    from {{ ref('stg_opendental__appointments') }}
    where appointment_status_code = 1 and starts_at >= {{ as_of_date() }}
    group by patient_id
)

select
    recalls.recall_id,
    recalls.patient_id,
    recalls.recall_type_id,
    recalls.recall_status_id,
    recalls.interval_months,
    recalls.previous_on,
    recalls.due_on,
    upcoming.next_appointment_on,
    {{ age_in_days('recalls.due_on') }} as overdue_days,
    case
        when upcoming.next_appointment_on is not null then 'scheduled'
        when recalls.due_on is null then 'never_seen'
        when recalls.due_on < {{ as_of_date() }} then 'overdue'
        when recalls.due_on <= {{ as_of_date() }} + 30 then 'due_soon'
        else 'not_due'
    end as recall_state
from recalls
left join upcoming on recalls.patient_id = upcoming.patient_id
