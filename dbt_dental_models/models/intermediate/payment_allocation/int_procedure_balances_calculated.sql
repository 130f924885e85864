-- What is still open on each completed procedure, by who has paid what of it.
with procedures as (
    select * from {{ ref('int_procedures_completed') }}
),

insurance as (
    select
        procedure_id,
        sum(paid_amount) filter (where claim_procedure_status_code in (1, 4, 5)) as paid_amount,
        sum(write_off_amount) filter (where claim_procedure_status_code in (1, 4, 5)) as write_off_amount,
        sum(estimated_amount + write_off_amount) filter (where claim_procedure_status_code = 0) as pending_amount
    from {{ ref('stg_opendental__claim_procedures') }}
    group by procedure_id
),

splits as (
    select
        procedure_id,
        sum(split_amount) as paid_amount
    from {{ ref('stg_opendental__payment_splits') }}
    where procedure_id is not null
    group by procedure_id
),

adjustments as (
    select
        procedure_id,
        sum(adjustment_amount) as adjusted_amount
    from {{ ref('stg_opendental__adjustments') }}
    where procedure_id is not null
    group by procedure_id
)

select
    procedures.procedure_id,
    procedures.patient_id,
    procedures.provider_id,
    procedures.clinic_id,
    procedures.completed_on,
    procedures.production_amount,
    coalesce(insurance.paid_amount, 0)::numeric(14, 2) as insurance_paid_amount,
    coalesce(insurance.write_off_amount, 0)::numeric(14, 2) as write_off_amount,
    coalesce(insurance.pending_amount, 0)::numeric(14, 2) as insurance_pending_amount,
    coalesce(splits.paid_amount, 0)::numeric(14, 2) as patient_paid_amount,
    coalesce(adjustments.adjusted_amount, 0)::numeric(14, 2) as adjusted_amount,
    (
        procedures.production_amount
        + coalesce(adjustments.adjusted_amount, 0)
        - coalesce(insurance.paid_amount, 0)
        - coalesce(insurance.write_off_amount, 0)
        - coalesce(splits.paid_amount, 0)
    )::numeric(14, 2) as open_amount
from procedures
left join insurance on procedures.procedure_id = insurance.procedure_id
left join splits on procedures.procedure_id = splits.procedure_id
left join adjustments on procedures.procedure_id = adjustments.procedure_id
