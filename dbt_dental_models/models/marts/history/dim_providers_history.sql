select
    dbt_scd_id as provider_history_key,
    provider_id,
    fee_schedule_id,
    specialty_id,
    is_hygienist,
    not is_hidden and provider_status_code = 0 as is_active,
    row_number() over (partition by provider_id order by dbt_valid_from, dbt_scd_id)::integer as version_number,
    dbt_valid_from as valid_from,
    dbt_valid_to as valid_to,
    dbt_valid_to is null as is_current
from {{ ref('snap_opendental__providers') }}
