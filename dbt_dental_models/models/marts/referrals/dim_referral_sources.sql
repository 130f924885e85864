select
    referral_id,
    -- A place has one name, a person two.
    concat_ws(' ', first_name, last_name) as referral_name,
    case
        when is_doctor then 'doctor'
        when is_not_person then 'place'
        else 'person'
    end as referral_kind,
    not is_hidden as is_active
from {{ ref('stg_opendental__referrals') }}
