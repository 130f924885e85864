with summary as (
    select
        month_start,
        sum(production_amount) as production_amount
    from {{ ref('mart_production_summary') }}
    group by month_start
),

completed as (
    select
        {{ month_of('coalesce(completed_on, procedure_on)') }} as month_start,
        sum(procedure_fee_amount * greatest(base_units + unit_quantity, 1)) as production_amount
    from {{ ref('stg_opendental__procedures') }}
    where procedure_status_code = 2
    group by {{ month_of('coalesce(completed_on, procedure_on)') }}
)

select
    coalesce(summary.month_start, completed.month_start) as month_start,
    summary.production_amount,
    completed.production_amount as completed_amount
from summary
full outer join completed on summary.month_start = completed.month_start
where summary.production_amount is distinct from completed.production_amount
