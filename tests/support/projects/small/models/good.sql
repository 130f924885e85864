{{ config(tags=['good']) }}
select generate_series(1, 3) as id
