-- Work cannot be finished after the night it was replicated.
select
    procedure_id,
    completed_on,
    loaded_at
from {{ ref('fct_procedures') }}
where completed_on > (loaded_at at time zone 'UTC')::date
