with clinics as (
    select * from {{ ref('stg_opendental__clinics') }}
),

rooms as (
    select
        clinic_id,
        count(*) as room_count,
        count(*) filter (where is_hygiene) as hygiene_room_count
    from {{ ref('stg_opendental__operatories') }}
    where not is_hidden
    group by clinic_id
)

select
    clinics.clinic_id,
    clinics.clinic_name,
    clinics.clinic_abbreviation,
    clinics.city,
    clinics.state,
    coalesce(rooms.room_count, 0)::integer as room_count,
    coalesce(rooms.hygiene_room_count, 0)::integer as hygiene_room_count,
    not clinics.is_hidden as is_active
from clinics
left join rooms on clinics.clinic_id = rooms.clinic_id
