-- Who sent the patient: the first referral to us; later ones do not change it.
select distinct on (patient_id)
    patient_id,
    referral_id,
    referred_on
from {{ ref('stg_opendental__referral_attachments') }}
where referral_type_code = 1 and referral_id is not null
order by patient_id asc, referred_on asc nulls last, sort_order asc, referral_attachment_id asc
