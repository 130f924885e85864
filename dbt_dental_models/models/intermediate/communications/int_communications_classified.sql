-- Messages with what they were about, and whether the system or a person wrote them.
with communications as (
    select * from {{ ref('stg_opendental__communications') }}
),

types as (
    select * from {{ ref('stg_opendental__definitions') }}
    where definition_category_code = 27
)

select
    communications.communication_id,
    communications.patient_id,
    communications.user_id,
    communications.communication_type_id,
    coalesce(lower(types.definition_value), 'misc') as topic,
    communications.communication_mode_code,
    case communications.direction_code
        when 1 then 'sent'
        when 2 then 'received'
        else 'internal'
    end as direction,
    communications.user_id is null as is_automatic,
    communications.communicated_at
from communications
left join types on communications.communication_type_id = types.definition_id
