-- What the first plan should pay for planned treatment: the allowed fee less the deductible, times the plan's share,
-- as far as the yearly limit reaches. Procedures use up deductible and limit in the order of their keys.
with planned as (
    select * from {{ ref('stg_opendental__procedures') }}
    where procedure_status_code = 1
),

coverages as (
    select * from {{ ref('int_coverages_ranked') }}
    where coverage_rank = 1
),

percents as (
    select * from {{ ref('int_coverage_percents_resolved') }}
),

benefits as (
    select * from {{ ref('int_plan_benefits_pivoted') }}
),

usage as (
    select * from {{ ref('int_insurance_usage_summarized') }}
    where benefit_year = extract(year from {{ as_of_date() }})
),

plan_fees as (
    select
        fee_schedule_id,
        procedure_code_id,
        min(fee_amount) as fee_amount
    from {{ ref('stg_opendental__fees') }}
    where clinic_id is null and provider_id is null
    group by fee_schedule_id, procedure_code_id
),

allowed as (
    select
        planned.procedure_id,
        planned.patient_id,
        planned.provider_id,
        planned.clinic_id,
        planned.procedure_code_id,
        planned.treatment_planned_on,
        coverages.insurance_plan_id,
        planned.procedure_fee_amount as fee_amount,
        -- Only a PPO binds the dentist to its own fees.
        case
            when coverages.plan_type_code = 'p'
                then least(planned.procedure_fee_amount, coalesce(plan_fees.fee_amount, planned.procedure_fee_amount))
            else planned.procedure_fee_amount
        end as allowed_amount,
        coalesce(percents.coverage_percent, 0) as coverage_percent,
        greatest(
            coalesce(benefits.deductible_amount, 0) - coalesce(usage.deductible_amount, 0), 0
        ) as deductible_left,
        -- No limit named means none.
        greatest(
            coalesce(benefits.yearly_limit_amount, 1e9)
            - coalesce(usage.paid_amount, 0) - coalesce(usage.pending_amount, 0), 0
        ) as limit_left
    from planned
    inner join coverages on planned.patient_id = coverages.patient_id
    left join percents
        on
            coverages.insurance_plan_id = percents.insurance_plan_id
            and planned.procedure_code_id = percents.procedure_code_id
    left join benefits on coverages.insurance_plan_id = benefits.insurance_plan_id
    left join usage
        on
            planned.patient_id = usage.patient_id
            and coverages.insurance_plan_id = usage.insurance_plan_id
    left join plan_fees
        on
            coverages.fee_schedule_id = plan_fees.fee_schedule_id
            and planned.procedure_code_id = plan_fees.procedure_code_id
),

subject_to_deductible as (
    select
        *,
        -- Care covered in full carries no deductible.
        case when coverage_percent < 100 then allowed_amount else 0 end as deductible_base,
        sum(case when coverage_percent < 100 then allowed_amount else 0 end) over (
            partition by patient_id
            order by procedure_id
            rows between unbounded preceding and current row
        ) as deductible_base_so_far
    from allowed
),

after_deductible as (
    select
        *,
        greatest(
            least(deductible_base, deductible_left - (deductible_base_so_far - deductible_base)), 0
        ) as deductible_amount
    from subject_to_deductible
),

shares as (
    select
        *,
        round((allowed_amount - deductible_amount) * coverage_percent / 100.0, 2) as share_amount
    from after_deductible
),

running as (
    select
        *,
        sum(share_amount) over (
            partition by patient_id
            order by procedure_id
            rows between unbounded preceding and current row
        ) as share_so_far
    from shares
),

limited as (
    select
        *,
        greatest(least(share_amount, limit_left - (share_so_far - share_amount)), 0) as insurance_amount
    from running
)

select
    procedure_id,
    patient_id,
    provider_id,
    clinic_id,
    procedure_code_id,
    insurance_plan_id,
    treatment_planned_on,
    coverage_percent,
    fee_amount::numeric(14, 2) as fee_amount,
    allowed_amount::numeric(14, 2) as allowed_amount,
    (fee_amount - allowed_amount)::numeric(14, 2) as write_off_amount,
    deductible_amount::numeric(14, 2) as deductible_amount,
    insurance_amount::numeric(14, 2) as insurance_amount,
    (allowed_amount - insurance_amount)::numeric(14, 2) as patient_amount,
    insurance_amount < share_amount as is_limited
from limited
