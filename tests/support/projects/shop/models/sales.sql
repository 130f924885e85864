select person, count(*) as orders from {{ ref('paid') }} group by person
