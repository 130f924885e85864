{# Names the bucket an open amount falls into by its age in days; the edges belong to the younger bucket. #}

{% macro ageing_bucket(age_days) -%}
    case
        when {{ age_days }} <= 30 then '0_30'
        when {{ age_days }} <= 60 then '31_60'
        when {{ age_days }} <= 90 then '61_90'
        else 'over_90'
    end
{%- endmacro %}

{# Days between a date and the as-of date; what is dated ahead counts as new, no date has no age. #}

{% macro age_in_days(date_column) -%}
    case when {{ date_column }} is not null then greatest({{ as_of_date() }} - {{ date_column }}, 0) end
{%- endmacro %}
