{{ config(tags=['slow']) }}
select 1 as x from pg_sleep(60)
