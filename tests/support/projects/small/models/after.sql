{{ config(tags=['bad']) }}
select * from {{ ref('divides') }}
