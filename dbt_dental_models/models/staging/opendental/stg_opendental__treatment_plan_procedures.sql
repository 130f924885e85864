with source as (
    select * from {{ source('opendental', 'treatplanattach') }}
),

renamed as (
    select
        "TreatPlanAttachNum" as treatment_plan_procedure_id,

        {{ null_if_zero('"TreatPlanNum"') }} as treatment_plan_id,
        {{ null_if_zero('"ProcNum"') }} as procedure_id,

        "Priority" as priority,

        _loaded_at as loaded_at
    from source
)

select * from renamed
