with patients as (
    select * from {{ ref('stg_opendental__patients') }}
),

statuses as (
    select * from {{ ref('patient_statuses') }}
),

genders as (
    select * from {{ ref('genders') }}
),

billing_types as (
    select * from {{ ref('stg_opendental__definitions') }}
    where definition_category_code = 4
),

plans as (
    select
        patient_id,
        count(*) as plan_count
    from {{ ref('stg_opendental__patient_plans') }}
    group by patient_id
)

select
    patients.patient_id,
    patients.guarantor_id,
    patients.primary_provider_id,
    patients.clinic_id,
    patients.fee_schedule_id,
    statuses.patient_status_name,
    coalesce(statuses.is_active, false) as is_active,
    genders.gender_name,
    billing_types.definition_name as billing_type_name,
    patients.patient_id = patients.guarantor_id as is_guarantor,
    coalesce(plans.plan_count, 0) > 0 as is_insured,
    patients.text_message_consent_code = 1 as accepts_text_messages,
    extract(year from patients.born_on)::integer as birth_year,
    extract(year from age({{ as_of_date() }}, patients.born_on))::integer as age_years,
    case
        when patients.born_on is null then 'unknown'
        when age({{ as_of_date() }}, patients.born_on) < interval '18 years' then 'child'
        when age({{ as_of_date() }}, patients.born_on) < interval '65 years' then 'adult'
        else 'senior'
    end as age_band,
    patients.entered_on,
    patients.first_visit_on
from patients
left join statuses on patients.patient_status_code = statuses.patient_status_code
left join genders on patients.gender_code = genders.gender_code
left join billing_types on patients.billing_type_id = billing_types.definition_id
left join plans on patients.patient_id = plans.patient_id
