{# The day that ages are counted to. Set var as_of_date for a run that must not depend on the clock. #}

{% macro as_of_date() -%}
    {%- set day = var('as_of_date') -%}
    {%- if day -%}
        {%- if not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', day | string) -%}
            {{ exceptions.raise_compiler_error("var as_of_date is '" ~ day ~ "'. Write it as YYYY-MM-DD.") }}
        {%- endif -%}
        date '{{ day }}'
    {%- else -%}
        current_date
    {%- endif -%}
{%- endmacro %}
