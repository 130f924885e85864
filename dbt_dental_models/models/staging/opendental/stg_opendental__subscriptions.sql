with source as (
    select * from {{ source('opendental', 'inssub') }}
),

renamed as (
    select
        "InsSubNum" as subscription_id,

        {{ null_if_zero('"PlanNum"') }} as insurance_plan_id,
        {{ null_if_zero('"Subscriber"') }} as subscriber_id,

        {{ clean_text('"SubscriberID"') }} as subscriber_number,

        {{ clean_date('"DateEffective"') }} as effective_on,
        {{ clean_date('"DateTerm"') }} as terminated_on,
        {{ clean_timestamp('"SecDateTEdit"') }} as edited_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
