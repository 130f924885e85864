{{
    config(
        materialized='incremental',
        unique_key='payment_split_id',
        incremental_strategy='delete+insert',
        on_schema_change='append_new_columns',
        post_hook="{{ delete_vanished(ref('stg_opendental__payment_splits'), 'payment_split_id') }}",
    )
}}

select
    payment_split_id,
    payment_id,
    patient_id,
    provider_id,
    clinic_id,
    procedure_id,
    adjustment_id,
    unearned_type_id,
    case
        when unearned_type_id is not null then 'unearned'
        when procedure_id is not null then 'procedure'
        when adjustment_id is not null then 'adjustment'
        else 'account'
    end as allocation_kind,
    paid_on,
    split_amount,
    loaded_at
from {{ ref('stg_opendental__payment_splits') }}
{{ incremental_window(this) }}
