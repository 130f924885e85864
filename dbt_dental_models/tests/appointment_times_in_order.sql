select
    appointment_id,
    arrived_at,
    seated_at,
    dismissed_at
from {{ ref('fct_appointments') }}
where arrived_at > seated_at or seated_at > dismissed_at
