{# A share that is null, not an error, when there is nothing to divide by. #}

{% macro share_of(part, whole, digits=4) -%}
    round(({{ part }})::numeric / nullif({{ whole }}, 0), {{ digits }})
{%- endmacro %}

{# The practice's books close by calendar month. #}

{% macro month_of(date_column) -%}
    date_trunc('month', {{ date_column }})::date
{%- endmacro %}
