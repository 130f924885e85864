{{
    config(
        materialized='incremental',
        unique_key='communication_id',
        incremental_strategy='delete+insert',
        on_schema_change='append_new_columns',
        post_hook="{{ delete_vanished(ref('stg_opendental__communications'), 'communication_id') }}",
    )
}}

select
    communication_id,
    patient_id,
    user_id,
    communication_type_id,
    communication_mode_code,
    direction_code = 1 as is_sent,
    direction_code = 2 as is_received,
    user_id is null as is_automatic,
    communicated_at,
    communicated_at::date as communicated_on,
    loaded_at
from {{ ref('stg_opendental__communications') }}
{{ incremental_window(this) }}
