with source as (
    select * from {{ source('opendental', 'recall') }}
),

renamed as (
    select
        "RecallNum" as recall_id,

        {{ null_if_zero('"PatNum"') }} as patient_id,
        {{ null_if_zero('"RecallTypeNum"') }} as recall_type_id,
        {{ null_if_zero('"RecallStatus"') }} as recall_status_id,

        ("RecallInterval" >> 16) & 255 as interval_months,
        {{ as_boolean('"IsDisabled"') }} as is_disabled,

        {{ clean_date('"DateDueCalc"') }} as calculated_due_on,
        {{ clean_date('"DateDue"') }} as due_on,
        {{ clean_date('"DatePrevious"') }} as previous_on,
        {{ clean_date('"DateScheduled"') }} as scheduled_on,
        {{ clean_timestamp('"DateTStamp"') }} as edited_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
