with versions as (
    select
        patient_id,
        version_number,
        valid_to,
        lead(valid_from) over (partition by patient_id order by version_number) as next_valid_from
    from {{ ref('dim_patients_history') }}
)

select *
from versions
where next_valid_from is not null and (valid_to is null or valid_to > next_valid_from)
