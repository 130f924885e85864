with source as (
    select * from {{ source('opendental', 'patplan') }}
),

renamed as (
    select
        "PatPlanNum" as patient_plan_id,

        {{ null_if_zero('"PatNum"') }} as patient_id,
        {{ null_if_zero('"InsSubNum"') }} as subscription_id,

        "Relationship" as relationship_code,

        "Ordinal" as plan_ordinal,
        {{ as_boolean('"IsPending"') }} as is_pending,

        {{ clean_timestamp('"SecDateTEdit"') }} as edited_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
