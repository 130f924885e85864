{# The day that ages are counted to. Set var as_of_date for a run that must not depend on the clock. #}

{% macro as_of_date() -%}
    {%- set day = var('as_of_date') | string -%}
    {%- set digits = day | replace('-', '') -%}
    {%- if day and not (day | length == 10 and digits | length == 8 and digits.isdigit()) -%}
        {{ exceptions.raise_compiler_error("var as_of_date is '" ~ day ~ "'. Write it as YYYY-MM-DD.") }}
    {%- endif -%}
    {{ "date '" ~ day ~ "'" if day else 'current_date' }}
{%- endmacro %}
