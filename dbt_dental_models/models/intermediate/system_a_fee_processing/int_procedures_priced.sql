-- Completed procedures beside the fee their schedule names; the most specific fee wins.
with procedures as (
    select * from {{ ref('int_procedures_completed') }}
),

assigned as (
    select * from {{ ref('int_fee_schedules_assigned') }}
),

fees as (
    select * from {{ ref('stg_opendental__fees') }}
),

candidates as (
    select
        procedures.procedure_id,
        assigned.fee_schedule_id,
        assigned.assigned_by,
        fees.fee_id,
        fees.fee_amount,
        row_number() over (
            partition by procedures.procedure_id
            order by
                (fees.provider_id is not null and fees.clinic_id is not null) desc,
                fees.provider_id is not null desc,
                fees.clinic_id is not null desc,
                fees.fee_id
        ) as preference
    from procedures
    left join assigned on procedures.patient_id = assigned.patient_id
    left join fees
        on
            assigned.fee_schedule_id = fees.fee_schedule_id
            and procedures.procedure_code_id = fees.procedure_code_id
            and (fees.clinic_id is null or procedures.clinic_id = fees.clinic_id)
            and (fees.provider_id is null or procedures.provider_id = fees.provider_id)
)

select
    procedures.procedure_id,
    procedures.patient_id,
    procedures.procedure_code_id,
    procedures.provider_id,
    procedures.clinic_id,
    procedures.completed_on,
    procedures.quantity,
    procedures.production_amount,
    candidates.fee_schedule_id,
    candidates.assigned_by,
    candidates.fee_id,
    (candidates.fee_amount * procedures.quantity)::numeric(14, 2) as scheduled_amount,
    (procedures.production_amount - candidates.fee_amount * procedures.quantity)::numeric(14, 2) as variance_amount
from procedures
inner join candidates on procedures.procedure_id = candidates.procedure_id and candidates.preference = 1
