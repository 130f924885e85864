with priced as (
    select * from {{ ref('int_procedures_priced') }}
)

select
    concat_ws('|', {{ month_of('completed_on') }}, coalesce(clinic_id, 0), procedure_code_id) as fee_variance_key,
    {{ month_of('completed_on') }} as month_start,
    clinic_id,
    procedure_code_id,
    count(*)::integer as procedure_count,
    count(*) filter (where fee_id is null)::integer as unpriced_count,
    count(*) filter (where variance_amount < 0)::integer as below_schedule_count,
    sum(production_amount)::numeric(14, 2) as production_amount,
    coalesce(sum(scheduled_amount), 0)::numeric(14, 2) as scheduled_amount,
    coalesce(sum(variance_amount), 0)::numeric(14, 2) as variance_amount
from priced
group by {{ month_of('completed_on') }}, clinic_id, procedure_code_id
