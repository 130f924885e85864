select id, person from {{ source('raw', 'orders') }}
