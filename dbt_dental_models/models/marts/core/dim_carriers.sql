with carriers as (
    select * from {{ ref('stg_opendental__carriers') }}
),

plans as (
    select
        carrier_id,
        count(*) as plan_count
    from {{ ref('stg_opendental__insurance_plans') }}
    group by carrier_id
)

select
    carriers.carrier_id,
    carriers.carrier_name,
    carriers.state,
    carriers.electronic_id,
    carriers.is_paper_only,
    coalesce(plans.plan_count, 0)::integer as plan_count,
    not carriers.is_hidden as is_active
from carriers
left join plans on carriers.carrier_id = plans.carrier_id
