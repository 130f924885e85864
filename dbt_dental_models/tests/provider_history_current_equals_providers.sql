with history as (
    select *
    from {{ ref('dim_providers_history') }}
    where is_current
)

select coalesce(history.provider_id, providers.provider_id) as provider_id
from history
full outer join {{ ref('stg_opendental__providers') }} as providers
    on history.provider_id = providers.provider_id
where
    history.provider_id is null
    or providers.provider_id is null
    or history.is_active is distinct from (not providers.is_hidden and providers.provider_status_code = 0)
