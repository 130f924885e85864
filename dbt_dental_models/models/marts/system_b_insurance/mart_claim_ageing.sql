with open_claims as (
    select
        *,
        {{ age_in_days('coalesce(sent_on, service_on)') }} as age_days
    from {{ ref('int_claims_summarized') }}
    where is_open
)

select
    concat_ws('|', coalesce(carrier_id, 0), {{ ageing_bucket('age_days') }}) as claim_ageing_key,
    carrier_id,
    {{ ageing_bucket('age_days') }} as ageing_bucket,
    count(*)::integer as claim_count,
    count(*) filter (where sent_on is null)::integer as unsent_count,
    max(age_days)::integer as oldest_days,
    sum(billed_amount)::numeric(14, 2) as billed_amount,
    sum(estimated_amount)::numeric(14, 2) as estimated_amount
from open_claims
group by carrier_id, {{ ageing_bucket('age_days') }}
