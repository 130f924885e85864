with ledger as (
    select
        {{ month_of('entry_on') }} as month_start,
        sum(entry_amount) filter (where entry_type = 'procedure') as production_amount,
        sum(entry_amount) filter (where entry_type in ('adjustment', 'insurance_write_off')) as adjusted_amount,
        -sum(entry_amount) filter (where entry_type = 'patient_payment') as patient_collected_amount,
        -sum(entry_amount) filter (where entry_type = 'insurance_payment') as insurance_collected_amount
    from {{ ref('fct_ledger_entries') }}
    group by {{ month_of('entry_on') }}
),

appointments as (
    select
        month_start,
        sum(kept_count) as kept_count,
        sum(broken_count) as broken_count,
        sum(new_patient_count) as new_patient_count
    from {{ ref('mart_appointment_summary') }}
    group by month_start
)

select
    ledger.month_start,
    coalesce(ledger.production_amount, 0)::numeric(14, 2) as production_amount,
    coalesce(ledger.adjusted_amount, 0)::numeric(14, 2) as adjusted_amount,
    (coalesce(ledger.production_amount, 0) + coalesce(ledger.adjusted_amount, 0))::numeric(
        14, 2
    ) as net_production_amount,
    coalesce(ledger.patient_collected_amount, 0)::numeric(14, 2) as patient_collected_amount,
    coalesce(ledger.insurance_collected_amount, 0)::numeric(14, 2) as insurance_collected_amount,
    {{ share_of(
        'coalesce(ledger.patient_collected_amount, 0) + coalesce(ledger.insurance_collected_amount, 0)',
        'coalesce(ledger.production_amount, 0) + coalesce(ledger.adjusted_amount, 0)'
    ) }}::numeric(14, 4) as collection_rate,
    coalesce(appointments.kept_count, 0)::integer as kept_appointment_count,
    coalesce(appointments.broken_count, 0)::integer as broken_appointment_count,
    coalesce(appointments.new_patient_count, 0)::integer as new_patient_count
from ledger
left join appointments on ledger.month_start = appointments.month_start
