with days as (
    select generate_series(
        date '2015-01-01',
        (date_trunc('year', {{ as_of_date() }}) + interval '2 years - 1 day')::date,
        interval '1 day'
    )::date as date_day
)

select
    date_day,
    extract(year from date_day)::integer as year_number,
    extract(quarter from date_day)::integer as quarter_number,
    extract(month from date_day)::integer as month_number,
    {{ month_of('date_day') }} as month_start,
    extract(isodow from date_day)::integer as weekday_number,
    to_char(date_day, 'FMDay') as weekday_name,
    extract(isodow from date_day) < 6 as is_weekday
from days
