{# The source has no nulls: a missing key is 0, a missing date 0001-01-01 or 1900-01-01, a missing text ''. #}

{% macro null_if_zero(column) -%}
    nullif({{ column }}, 0)
{%- endmacro %}

{% macro clean_date(column) -%}
    nullif(nullif({{ column }}, date '0001-01-01'), date '1900-01-01')
{%- endmacro %}

{% macro clean_timestamp(column) -%}
    case when {{ column }}::date not in (date '0001-01-01', date '1900-01-01') then {{ column }} end
{%- endmacro %}

{% macro clean_text(column) -%}
    nullif(trim({{ column }}), '')
{%- endmacro %}

{% macro as_money(column) -%}
    round(({{ column }})::numeric, 2)::numeric(14, 2)
{%- endmacro %}

{% macro as_boolean(column) -%}
    ({{ column }} = 1)
{%- endmacro %}
