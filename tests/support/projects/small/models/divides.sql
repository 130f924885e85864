{{ config(tags=['bad']) }}
select 1 / (id - 1) as x from {{ ref('good') }}
