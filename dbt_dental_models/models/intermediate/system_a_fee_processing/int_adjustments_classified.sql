-- Adjustments with the practice's own name for them and what they are for.
with adjustments as (
    select * from {{ ref('stg_opendental__adjustments') }}
),

types as (
    select * from {{ ref('stg_opendental__definitions') }}
)

select
    adjustments.adjustment_id,
    adjustments.patient_id,
    adjustments.provider_id,
    adjustments.clinic_id,
    adjustments.procedure_id,
    adjustments.adjustment_type_id,
    types.definition_name as adjustment_type_name,
    case
        when types.definition_name ilike '%bad debt%' then 'bad_debt'
        when types.definition_name ilike '%finance%' then 'finance_charge'
        when adjustments.adjustment_amount < 0 then 'discount'
        else 'charge'
    end as adjustment_class,
    adjustments.adjusted_on,
    adjustments.adjustment_amount,
    -- The list says which way a type goes; an amount against it is a slip at the desk.
    coalesce(
        (types.definition_value = '-' and adjustments.adjustment_amount > 0)
        or (types.definition_value = '+' and adjustments.adjustment_amount < 0), false
    ) as is_against_type,
    adjustments.loaded_at
from adjustments
left join types on adjustments.adjustment_type_id = types.definition_id
