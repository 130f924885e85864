with source as (
    select * from {{ source('opendental', 'insplan') }}
),

renamed as (
    select
        "PlanNum" as insurance_plan_id,

        {{ null_if_zero('"CarrierNum"') }} as carrier_id,
        {{ null_if_zero('"EmployerNum"') }} as employer_id,
        {{ null_if_zero('"FeeSched"') }} as fee_schedule_id,

        coalesce({{ clean_text('"PlanType"') }}, 'percentage') as plan_type_code,

        {{ clean_text('"GroupName"') }} as group_name,
        {{ clean_text('"GroupNum"') }} as group_number,
        "MonthRenew" as renewal_month,
        {{ as_boolean('"IsHidden"') }} as is_hidden,

        {{ clean_timestamp('"SecDateTEdit"') }} as edited_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
