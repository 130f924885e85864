{#
    Incremental models look at what the replicator wrote since their newest row, and again at the days before it:
    batches from the clinics arrive out of order. Rows deleted at the source leave no trace to look for, so each
    run also compares keys.
#}

{% macro incremental_window(target) -%}
    {%- if is_incremental() -%}
        where loaded_at > (
            select
                coalesce(max(newest.loaded_at), timestamptz '0001-01-01 00:00:00+00')
                - interval '{{ var("incremental_lookback_days") | int }} days'
            from {{ target }} as newest
        )
    {%- endif -%}
{%- endmacro %}

{% macro delete_vanished(source_relation, key) -%}
    {%- if is_incremental() -%}
        delete from {{ this }} as target
        where not exists (
            select 1
            from {{ source_relation }} as current_rows
            where current_rows.{{ key }} = target.{{ key }}
        )
    {%- else -%}
        select 1
    {%- endif -%}
{%- endmacro %}
