with source as (
    select * from {{ source('opendental', 'benefit') }}
),

renamed as (
    select
        "BenefitNum" as benefit_id,

        {{ null_if_zero('"PlanNum"') }} as insurance_plan_id,
        {{ null_if_zero('"PatPlanNum"') }} as patient_plan_id,
        {{ null_if_zero('"CovCatNum"') }} as coverage_category_id,
        {{ null_if_zero('"CodeNum"') }} as procedure_code_id,

        "BenefitType" as benefit_type_code,
        "TimePeriod" as time_period_code,
        "CoverageLevel" as coverage_level_code,

        nullif("Percent", -1) as coverage_percent,

        {{ clean_timestamp('"SecDateTEdit"') }} as edited_at,

        {{ as_money('nullif("MonetaryAmt", -1)') }} as benefit_amount,

        _loaded_at as loaded_at
    from source
)

select * from renamed
