with plans as (
    select * from {{ ref('stg_opendental__treatment_plans') }}
),

statuses as (
    select * from {{ ref('treatment_plan_statuses') }}
),

attached as (
    select
        links.treatment_plan_id,
        count(*) as procedure_count,
        count(*) filter (where procedures.procedure_status_code = 2) as completed_count,
        sum(procedures.procedure_fee_amount) as planned_amount,
        sum(procedures.procedure_fee_amount) filter (
            where procedures.procedure_status_code = 2
        ) as completed_amount,
        bool_or(procedures.procedure_status_code = 1 and procedures.appointment_id is not null) as has_appointment,
        max(procedures.completed_on) as last_completed_on
    from {{ ref('stg_opendental__treatment_plan_procedures') }} as links
    inner join {{ ref('stg_opendental__procedures') }} as procedures
        on links.procedure_id = procedures.procedure_id
    -- A procedure struck from the chart is no longer part of the offer.
    where procedures.procedure_status_code <> 6
    group by links.treatment_plan_id
)

select
    plans.treatment_plan_id,
    plans.patient_id,
    statuses.treatment_plan_status_name,
    plans.presented_on,
    attached.last_completed_on,
    coalesce(attached.procedure_count, 0)::integer as procedure_count,
    coalesce(attached.completed_count, 0)::integer as completed_count,
    coalesce(attached.planned_amount, 0)::numeric(14, 2) as planned_amount,
    coalesce(attached.completed_amount, 0)::numeric(14, 2) as completed_amount,
    case
        when coalesce(attached.procedure_count, 0) = 0 then 'withdrawn'
        when attached.completed_count = attached.procedure_count then 'completed'
        when attached.completed_count > 0 then 'started'
        when attached.has_appointment then 'scheduled'
        else 'open'
    end as acceptance_state
from plans
left join statuses on plans.treatment_plan_status_code = statuses.treatment_plan_status_code
left join attached on plans.treatment_plan_id = attached.treatment_plan_id
