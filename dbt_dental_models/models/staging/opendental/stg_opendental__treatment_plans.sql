with source as (
    select * from {{ source('opendental', 'treatplan') }}
),

renamed as (
    select
        "TreatPlanNum" as treatment_plan_id,

        {{ null_if_zero('"PatNum"') }} as patient_id,

        "TPStatus" as treatment_plan_status_code,

        {{ clean_text('"Heading"') }} as heading,

        {{ clean_date('"DateTP"') }} as presented_on,
        {{ clean_timestamp('"SecDateTEdit"') }} as edited_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
