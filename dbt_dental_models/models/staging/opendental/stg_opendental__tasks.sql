with source as (
    select * from {{ source('opendental', 'task') }}
),

renamed as (
    select
        "TaskNum" as task_id,

        {{ null_if_zero('"UserNum"') }} as user_id,
        {{ null_if_zero('"KeyNum"') }} as object_id,

        "TaskStatus" as task_status_code,
        "ObjectType" as object_type_code,

        {{ clean_text('"Descript"') }} as task_description,

        {{ clean_timestamp('"DateTimeEntry"') }} as entered_at,
        {{ clean_timestamp('"DateTimeFinished"') }} as finished_at,
        {{ clean_timestamp('"SecDateTEdit"') }} as edited_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
