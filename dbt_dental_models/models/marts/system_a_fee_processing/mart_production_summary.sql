with procedures as (
    select * from {{ ref('fct_procedures') }}
),

codes as (
    select * from {{ ref('dim_procedure_codes') }}
)

select
    concat_ws(
        '|',
        {{ month_of('procedures.completed_on') }},
        coalesce(procedures.clinic_id, 0),
        coalesce(procedures.provider_id, 0),
        coalesce(codes.procedure_category_name, 'none')
    ) as production_summary_key,
    {{ month_of('procedures.completed_on') }} as month_start,
    procedures.clinic_id,
    procedures.provider_id,
    codes.procedure_category_name,
    count(*)::integer as procedure_count,
    count(distinct procedures.patient_id)::integer as patient_count,
    sum(procedures.production_amount)::numeric(14, 2) as production_amount
from procedures
left join codes on procedures.procedure_code_id = codes.procedure_code_id
group by
    {{ month_of('procedures.completed_on') }},
    procedures.clinic_id,
    procedures.provider_id,
    codes.procedure_category_name
