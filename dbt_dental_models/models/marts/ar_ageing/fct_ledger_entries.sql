{{
    config(
        materialized='incremental',
        unique_key='ledger_entry_key',
        incremental_strategy='delete+insert',
        on_schema_change='append_new_columns',
        post_hook="{{ delete_vanished(ref('int_ledger_entries_unioned'), 'ledger_entry_key') }}",
    )
}}

select
    ledger_entry_key,
    entry_type,
    source_id,
    patient_id,
    provider_id,
    clinic_id,
    procedure_id,
    entry_on,
    entry_amount,
    loaded_at
from {{ ref('int_ledger_entries_unioned') }}
{{ incremental_window(this) }}
