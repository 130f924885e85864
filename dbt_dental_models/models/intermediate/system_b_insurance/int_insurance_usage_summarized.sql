-- What of a plan's yearly benefits a patient has used or has claims out for.
select
    patient_id,
    insurance_plan_id,
    extract(year from procedure_on)::integer as benefit_year,
    sum(case when claim_procedure_status_code in (1, 4, 5) then paid_amount else 0 end)::numeric(14, 2) as paid_amount,
    sum(case when claim_procedure_status_code = 0 then estimated_amount else 0 end)::numeric(14, 2) as pending_amount,
    sum(deductible_amount)::numeric(14, 2) as deductible_amount
from {{ ref('stg_opendental__claim_procedures') }}
where claim_procedure_status_code in (0, 1, 4, 5)
group by patient_id, insurance_plan_id, extract(year from procedure_on)
