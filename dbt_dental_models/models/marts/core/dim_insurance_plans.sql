with plans as (
    select * from {{ ref('stg_opendental__insurance_plans') }}
),

carriers as (
    select * from {{ ref('stg_opendental__carriers') }}
),

employers as (
    select * from {{ ref('stg_opendental__employers') }}
),

subscriptions as (
    select
        insurance_plan_id,
        count(*) as subscription_count
    from {{ ref('stg_opendental__subscriptions') }}
    group by insurance_plan_id
)

select
    plans.insurance_plan_id,
    plans.carrier_id,
    carriers.carrier_name,
    employers.employer_name,
    plans.group_name,
    plans.group_number,
    case plans.plan_type_code
        when 'p' then 'PPO'
        when 'f' then 'Flat co-pay'
        when 'c' then 'Capitation'
        else 'Percentage'
    end as plan_type_name,
    plans.fee_schedule_id,
    coalesce(subscriptions.subscription_count, 0)::integer as subscription_count,
    not plans.is_hidden as is_active
from plans
left join carriers on plans.carrier_id = carriers.carrier_id
left join employers on plans.employer_id = employers.employer_id
left join subscriptions on plans.insurance_plan_id = subscriptions.insurance_plan_id
