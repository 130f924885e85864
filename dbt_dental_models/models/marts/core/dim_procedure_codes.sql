with codes as (
    select * from {{ ref('stg_opendental__procedure_codes') }}
),

categories as (
    select * from {{ ref('stg_opendental__definitions') }}
    where definition_category_code = 11
)

select
    codes.procedure_code_id,
    codes.procedure_code,
    codes.procedure_description,
    categories.definition_name as procedure_category_name,
    codes.is_hygiene,
    (length(codes.time_pattern) * 5)::integer as planned_minutes
from codes
left join categories on codes.procedure_category_id = categories.definition_id
