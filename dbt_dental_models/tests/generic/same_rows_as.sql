{#
    Fails for rows that are in one relation and not in the other, by the columns named. For a table built
    incrementally this finds what the window missed, however old it is.
#}

{% test same_rows_as(model, to, columns) %}

with here as (
    select {{ columns | join(', ') }}
    from {{ model }}
),

there as (
    select {{ columns | join(', ') }}
    from {{ to }}
)

select
    'missing' as problem,
    missing.*
from (select * from there except all select * from here) as missing

union all

select
    'left over' as problem,
    extra.*
from (select * from here except all select * from there) as extra

{% endtest %}
