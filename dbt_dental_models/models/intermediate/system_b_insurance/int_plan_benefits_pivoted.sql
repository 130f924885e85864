-- One line a plan from its rules: yearly limit and deductible for one person.
select
    insurance_plan_id,
    max(benefit_amount) filter (where benefit_type_code = 5) as yearly_limit_amount,
    max(benefit_amount) filter (where benefit_type_code = 2) as deductible_amount
from {{ ref('stg_opendental__benefits') }}
where
    benefit_type_code in (2, 5)
    and patient_plan_id is null
    and coverage_category_id is null
    and procedure_code_id is null
    and coverage_level_code in (0, 1)
    and time_period_code in (1, 2)
group by insurance_plan_id
