with source as (
    select * from {{ source('opendental', 'employer') }}
),

renamed as (
    select
        "EmployerNum" as employer_id,

        {{ clean_text('"EmpName"') }} as employer_name,

        _loaded_at as loaded_at
    from source
)

select * from renamed
