with source as (
    select * from {{ source('opendental', 'claimtracking') }}
),

renamed as (
    select
        "ClaimTrackingNum" as claim_status_event_id,

        {{ null_if_zero('"ClaimNum"') }} as claim_id,
        {{ null_if_zero('"UserNum"') }} as user_id,
        {{ null_if_zero('"TrackingDefNum"') }} as tracking_status_id,

        {{ clean_text('"TrackingType"') }} as tracking_type,

        {{ clean_text('"Note"') }} as note,

        {{ clean_timestamp('"DateTimeEntry"') }} as entered_at,

        _loaded_at as loaded_at
    from source
)

select * from renamed
