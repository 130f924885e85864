with providers as (
    select * from {{ ref('stg_opendental__providers') }}
),

specialties as (
    select * from {{ ref('stg_opendental__definitions') }}
    where definition_category_code = 35
)

select
    providers.provider_id,
    providers.provider_abbreviation,
    providers.last_name,
    providers.suffix,
    specialties.definition_name as specialty_name,
    case when providers.is_hygienist then 'hygienist' else 'dentist' end as provider_role,
    providers.fee_schedule_id,
    not providers.is_hidden and providers.provider_status_code = 0 as is_active
from providers
left join specialties on providers.specialty_id = specialties.definition_id
