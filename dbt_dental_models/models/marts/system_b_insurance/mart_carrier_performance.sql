with claims as (
    select * from {{ ref('fct_claims') }}
    where claim_type <> 'PreAuth' and carrier_id is not null
),

carriers as (
    select * from {{ ref('dim_carriers') }}
)

select
    claims.carrier_id,
    carriers.carrier_name,
    count(*)::integer as claim_count,
    count(*) filter (where claims.is_open)::integer as open_count,
    count(*) filter (where claims.is_unpaid_answer)::integer as unpaid_answer_count,
    round(avg(claims.days_to_answer), 1)::numeric(14, 1) as average_days_to_answer,
    sum(claims.billed_amount)::numeric(14, 2) as billed_amount,
    sum(claims.paid_amount)::numeric(14, 2) as paid_amount,
    sum(claims.write_off_amount)::numeric(14, 2) as write_off_amount,
    {{ share_of(
        'sum(claims.paid_amount) filter (where not claims.is_open)',
        'sum(claims.estimated_amount) filter (where not claims.is_open)'
    ) }}::numeric(14, 4) as paid_to_estimate_ratio
from claims
inner join carriers on claims.carrier_id = carriers.carrier_id
group by claims.carrier_id, carriers.carrier_name
