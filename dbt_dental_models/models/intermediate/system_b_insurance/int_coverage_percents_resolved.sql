-- What share of a procedure code a plan pays: its own rule for the category, else the category's default.
with plans as (
    select * from {{ ref('stg_opendental__insurance_plans') }}
),

codes as (
    select * from {{ ref('stg_opendental__procedure_codes') }}
),

spans as (
    select * from {{ ref('stg_opendental__coverage_spans') }}
),

categories as (
    select * from {{ ref('stg_opendental__coverage_categories') }}
),

rules as (
    select
        insurance_plan_id,
        coverage_category_id,
        max(coverage_percent) as coverage_percent
    from {{ ref('stg_opendental__benefits') }}
    where benefit_type_code = 1 and coverage_category_id is not null and procedure_code_id is null
    group by insurance_plan_id, coverage_category_id
),

-- Ranges may overlap; the category that sorts last is the most specific one.
code_categories as (
    select distinct on (codes.procedure_code_id)
        codes.procedure_code_id,
        categories.coverage_category_id,
        categories.coverage_category_name,
        categories.default_percent
    from codes
    inner join spans
        on codes.procedure_code between spans.from_procedure_code and spans.to_procedure_code
    inner join categories on spans.coverage_category_id = categories.coverage_category_id
    order by codes.procedure_code_id asc, categories.sort_order desc, categories.coverage_category_id asc
)

select
    plans.insurance_plan_id,
    code_categories.procedure_code_id,
    code_categories.coverage_category_id,
    code_categories.coverage_category_name,
    coalesce(rules.coverage_percent, code_categories.default_percent, 0) as coverage_percent
from plans
cross join code_categories
left join rules
    on
        plans.insurance_plan_id = rules.insurance_plan_id
        and code_categories.coverage_category_id = rules.coverage_category_id
