with production as (
    select
        month_start,
        provider_id,
        sum(procedure_count) as procedure_count,
        sum(production_amount) as production_amount
    from {{ ref('mart_production_summary') }}
    where provider_id is not null
    group by month_start, provider_id
),

collected as (
    select
        provider_id,
        {{ month_of('entry_on') }} as month_start,
        -sum(entry_amount) filter (
            where entry_type in ('patient_payment', 'insurance_payment')
        ) as collected_amount,
        sum(entry_amount) filter (where entry_type in ('adjustment', 'insurance_write_off')) as adjusted_amount
    from {{ ref('fct_ledger_entries') }}
    where entry_type <> 'procedure' and provider_id is not null
    group by provider_id, {{ month_of('entry_on') }}
),

utilization as (
    select * from {{ ref('mart_provider_utilization') }}
),

months as (
    select
        month_start,
        provider_id
    from production
    union
    select
        month_start,
        provider_id
    from collected
)

select
    concat_ws('|', months.month_start, months.provider_id) as provider_performance_key,
    months.month_start,
    months.provider_id,
    coalesce(production.procedure_count, 0)::integer as procedure_count,
    coalesce(production.production_amount, 0)::numeric(14, 2) as production_amount,
    coalesce(collected.adjusted_amount, 0)::numeric(14, 2) as adjusted_amount,
    coalesce(collected.collected_amount, 0)::numeric(14, 2) as collected_amount,
    {{ share_of('production.production_amount * 60', 'utilization.kept_minutes', 2) }}::numeric(
        14, 2
    ) as production_per_hour_amount,
    utilization.utilization_rate
from months
left join production
    on months.month_start = production.month_start and months.provider_id = production.provider_id
left join collected
    on months.month_start = collected.month_start and months.provider_id = collected.provider_id
left join utilization
    on months.month_start = utilization.month_start and months.provider_id = utilization.provider_id
