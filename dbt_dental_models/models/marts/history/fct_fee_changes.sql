with versions as (
    select
        *,
        lag(fee_amount) over (
            partition by fee_id
            order by dbt_valid_from, dbt_scd_id
        )::numeric(14, 2) as previous_amount
    from {{ ref('snap_opendental__fees') }}
)

select
    dbt_scd_id as fee_change_key,
    fee_id,
    fee_schedule_id,
    procedure_code_id,
    clinic_id,
    provider_id,
    fee_amount,
    previous_amount,
    (fee_amount - previous_amount)::numeric(14, 2) as change_amount,
    dbt_valid_from as valid_from,
    dbt_valid_to as valid_to,
    dbt_valid_to is null as is_current
from versions
