{{ config(severity='warn') }}

select
    adjustment_id,
    adjustment_type_name,
    adjustment_amount
from {{ ref('fct_adjustments') }}
where is_against_type
